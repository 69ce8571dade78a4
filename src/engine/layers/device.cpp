#include "engine/layers/device.h"

#include "engine/ggml/backends.h"

namespace titans::engine {
namespace {

template <typename Function>
Function find_function(ggml_backend_t backend, const char* name) {
    const ggml_backend_reg_t library =
        ggml_backend_dev_backend_reg(ggml_backend_get_device(backend));
    return reinterpret_cast<Function>(ggml_backend_reg_get_proc_address(library, name));
}

bool is_asked_to_stop(void* stop) noexcept {
    return static_cast<const std::stop_token*>(stop)->stop_requested();
}

}  // namespace

Result<std::unique_ptr<Device>> Device::open(const Options& options) {
    load_backends();
    ggml_backend_ptr backend(ggml_backend_init_by_type(
        options.gpu ? GGML_BACKEND_DEVICE_TYPE_GPU : GGML_BACKEND_DEVICE_TYPE_CPU, nullptr));
    if (!backend) {
        return fail(ErrorKind::Unsupported, options.gpu ? "there is no GPU that this build can use"
                                                        : "ggml has no backend for the processor");
    }
    if (const auto set_threads = find_function<ggml_backend_set_n_threads_t>(
            backend.get(), "ggml_backend_set_n_threads")) {
        set_threads(backend.get(), options.threads);
    }
    Options used = options;
    if (options.gpu || !has_kernels()) used.arithmetic = Arithmetic::Ggml;
    return std::unique_ptr<Device>(new Device(std::move(backend), used));
}

Result<void> Device::compute(ggml_cgraph* graph, const std::stop_token& stop) {
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
    const auto set_abort = find_function<ggml_backend_set_abort_callback_t>(
        backend_.get(), "ggml_backend_set_abort_callback");
    if (set_abort != nullptr) {
        set_abort(backend_.get(), is_asked_to_stop, const_cast<std::stop_token*>(&stop));
    }
    workspace_.prepare();
    const ggml_status status = ggml_backend_graph_compute(backend_.get(), graph);
    if (set_abort != nullptr) set_abort(backend_.get(), nullptr, nullptr);
    if (status == GGML_STATUS_ABORTED) return fail(ErrorKind::Cancelled, "cancelled");
    if (status != GGML_STATUS_SUCCESS) {
        return fail(ErrorKind::Internal, "the network could not be computed",
                    ggml_status_to_string(status));
    }
    return {};
}

}  // namespace titans::engine
