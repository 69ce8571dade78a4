#include "engine/layers/device.h"

#include <exception>
#include <format>
#include <utility>
#include <vector>

#include "foundation/log.h"

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

// The backends of GPUs throw where a driver fails.

ggml_backend_ptr open_gpu(ggml_backend_dev_t device) {
    try {
        return ggml_backend_ptr(ggml_backend_dev_init(device, nullptr));
    } catch (const std::exception& failure) {
        log::warn("engine.gpu_not_opened", "detail=\"{}\"", failure.what());
        return nullptr;
    }
}

ggml_status compute_graph(ggml_backend_t backend, ggml_cgraph* graph) {
    try {
        return ggml_backend_graph_compute(backend, graph);
    } catch (const std::exception& failure) {
        log::warn("engine.gpu_failed", "detail=\"{}\"", failure.what());
        return GGML_STATUS_FAILED;
    }
}

}  // namespace

Result<std::unique_ptr<Device>> Device::open(const Options& options) {
    const ComputeDevices& devices = load_backends();
    ggml_backend_ptr backend;
    std::string name = "cpu";
    if (options.gpu) {
        const std::vector<ComputeDevice> gpus = number_gpus(devices.devices);
        const auto number = static_cast<std::size_t>(*options.gpu);
        if (*options.gpu < 0 || number >= gpus.size())
            return fail(ErrorKind::Unsupported, "there is no such GPU that this build can use");
        const LibraryWords words;
        name = gpus[number].description;
        backend = open_gpu(gpus[number].handle);
        if (!backend) {
            return fail(ErrorKind::Unsupported, std::format("the GPU {} cannot be used", name),
                        words.text());
        }
    } else {
        backend.reset(ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr));
        if (!backend) return fail(ErrorKind::Unsupported, "ggml has no backend for the processor");
    }
    if (const auto set_threads = find_function<ggml_backend_set_n_threads_t>(
            backend.get(), "ggml_backend_set_n_threads")) {
        set_threads(backend.get(), options.threads);
    }
    Options used = options;
    if (options.gpu || !has_kernels()) used.arithmetic = Arithmetic::Ggml;
    return std::unique_ptr<Device>(new Device(std::move(backend), used, std::move(name)));
}

std::optional<std::size_t> Device::free_memory() const {
    std::size_t free = 0;
    std::size_t total = 0;
    if (is_gpu()) ggml_backend_dev_memory(ggml_backend_get_device(backend_.get()), &free, &total);
    return total == 0 ? std::nullopt : std::optional(free);
}

Result<void> Device::compute(ggml_cgraph* graph, const std::stop_token& stop) {
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
    const auto set_abort = find_function<ggml_backend_set_abort_callback_t>(
        backend_.get(), "ggml_backend_set_abort_callback");
    if (set_abort != nullptr) {
        set_abort(backend_.get(), is_asked_to_stop, const_cast<std::stop_token*>(&stop));
    }
    workspace_.prepare();
    const ggml_status status = compute_graph(backend_.get(), graph);
    if (set_abort != nullptr) set_abort(backend_.get(), nullptr, nullptr);
    if (status == GGML_STATUS_ABORTED) return fail(ErrorKind::Cancelled, "cancelled");
    if (status != GGML_STATUS_SUCCESS) {
        return fail(ErrorKind::Internal, "the network could not be computed",
                    ggml_status_to_string(status));
    }
    return {};
}

std::optional<int> choose_gpu(std::span<const ComputeDevice> gpus, UseGpus use) {
    if (use == UseGpus::Never || gpus.empty()) return std::nullopt;
    if (use == UseGpus::WithMemoryOfTheirOwn && gpus.front().shares_memory) return std::nullopt;
    return 0;
}

Devices::Devices(const Options& options, Compute processor)
    : options_(options), processor_(std::move(processor)) {
    if (options.gpus != UseGpus::Never) gpus_ = number_gpus(load_backends().devices);
}

Result<Devices> Devices::open(const Options& options) {
    TITANS_TRY(std::shared_ptr<Device> processor, Device::open({.threads = options.threads}));
    return Devices(options, {.device = std::move(processor), .precision = options.precision});
}

Compute Devices::usual() {
    const std::optional<int> number = choose_gpu(gpus_, options_.gpus);
    if (!number) return processor_;
    return gpu(*number).value_or(processor_);
}

Result<Compute> Devices::gpu(int number) {
    if (number < 0 || number >= gpus())
        return fail(ErrorKind::Unsupported, "there is no such GPU that this server computes on");
    if (const auto found = opened_.find(number); found != opened_.end()) return found->second;
    const auto open = [&]() -> Result<Compute> {
        TITANS_TRY(std::shared_ptr<Device> device,
                   Device::open({.threads = options_.threads, .gpu = number}));
        return Compute{.device = std::move(device), .precision = options_.precision};
    };
    const Result<Compute>& opened = opened_.emplace(number, open()).first->second;
    if (!opened) {
        log::warn("engine.gpu_unused", "message=\"{}\" detail=\"{}\"", opened.error().message,
                  opened.error().detail);
    }
    return opened;
}

}  // namespace titans::engine
