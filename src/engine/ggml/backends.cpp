#include "engine/ggml/backends.h"

#include <dlfcn.h>
#include <ggml-backend.h>
#include <llama.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "foundation/log.h"

namespace titans::engine {
namespace {

constexpr std::size_t kMostWords = 2000;

thread_local LibraryWords* innermost = nullptr;
thread_local std::string unfinished_line;

/// What is wrong with the BLAS that ggml's backend would get; empty if nothing.
std::string find_blas_problem() {
#ifdef __APPLE__
    return {};  // Accelerate, which has no threads to fight with
#else
    void* library = dlopen("libblas.so.3", RTLD_LAZY | RTLD_LOCAL);
    if (library == nullptr) return "no libblas.so.3 is installed: install libopenblas0-openmp";
    // Found in libblas.so.3 or in what it depends on, so this is the library that answers for it.
    using GetParallel = int (*)();
    const auto get_parallel =
        reinterpret_cast<GetParallel>(dlsym(library, "openblas_get_parallel"));
    constexpr int kOpenMp = 2;
    if (get_parallel == nullptr) {
        return "libblas.so.3 is not OpenBLAS: install libopenblas0-openmp and choose it with "
               "update-alternatives --config libblas.so.3-x86_64-linux-gnu";
    }
    if (get_parallel() != kOpenMp) {
        return "libblas.so.3 is an OpenBLAS without OpenMP: install libopenblas0-openmp and choose "
               "it with "
               "update-alternatives --config libblas.so.3-x86_64-linux-gnu and --config "
               "libopenblas.so.0-x86_64-linux-gnu";
    }
    return {};
#endif
}

}  // namespace

struct LibraryLog {
    static void write(ggml_log_level level, const char* text, void* /*user*/) noexcept {
        try {
            const std::string_view words(text);
            for (LibraryWords* listener = innermost; listener != nullptr;
                 listener = listener->outer_) {
                if ((level == GGML_LOG_LEVEL_ERROR || level == GGML_LOG_LEVEL_WARN) &&
                    listener->text_.size() + words.size() <= kMostWords) {
                    listener->text_ += words;
                }
            }
            if (!log::enabled(log::Level::Debug)) return;
            unfinished_line += words;
            for (std::size_t end; (end = unfinished_line.find('\n')) != std::string::npos;) {
                log::write(log::Level::Debug, "engine.library",
                           std::string_view(unfinished_line).substr(0, end));
                unfinished_line.erase(0, end + 1);
            }
        } catch (...) {  // out of memory: a line of log is lost
        }
    }
};

LibraryWords::LibraryWords() : outer_(innermost) { innermost = this; }
LibraryWords::~LibraryWords() { innermost = outer_; }

const ComputeDevices& load_backends() {
    static const ComputeDevices loaded = [] {
        llama_log_set(LibraryLog::write, nullptr);

        ComputeDevices found;
        ggml_backend_load_all();
        if (ggml_backend_reg_t blas = ggml_backend_reg_by_name("BLAS")) {
            found.blas_problem = find_blas_problem();
            if (!found.blas_problem.empty()) {
                ggml_backend_unload(blas);
                log::warn("engine.blas_unused", "reason=\"{}\"", found.blas_problem);
            }
        }
        llama_backend_init();
        for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
            ggml_backend_dev_t device = ggml_backend_dev_get(i);
            ggml_backend_dev_props facts;
            ggml_backend_dev_get_props(device, &facts);
            const bool shares_memory = facts.type == GGML_BACKEND_DEVICE_TYPE_IGPU;
            found.devices.push_back(
                {.backend = ggml_backend_reg_name(ggml_backend_dev_backend_reg(device)),
                 .description = facts.description,
                 .gpu = shares_memory || facts.type == GGML_BACKEND_DEVICE_TYPE_GPU,
                 .shares_memory = shares_memory,
                 .place = facts.device_id == nullptr ? "" : facts.device_id,
                 .handle = device});
            log::info("engine.device", "backend={} description=\"{}\"",
                      found.devices.back().backend, found.devices.back().description);
        }
        return found;
    }();
    return loaded;
}

std::vector<ComputeDevice> number_gpus(std::span<const ComputeDevice> devices) {
    std::vector<ComputeDevice> gpus;
    for (const ComputeDevice& device : devices) {
        const bool known = !device.place.empty() &&
                           std::ranges::contains(gpus, device.place, &ComputeDevice::place);
        if (device.gpu && !known) gpus.push_back(device);
    }
    std::ranges::stable_partition(gpus, std::not_fn(&ComputeDevice::shares_memory));
    return gpus;
}

}  // namespace titans::engine
