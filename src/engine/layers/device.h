#pragma once

#include <ggml-backend.h>
#include <ggml-cpp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "engine/layers/precision.h"
#include "engine/layers/workspace.h"
#include "foundation/error.h"

namespace titans::engine {

/// Where the time of graphs goes, by kind of layer; a node of next to no work counts as some tens
/// of microseconds.
struct Profile {
    struct Kind {
        std::int64_t nodes = 0;
        double seconds = 0;
        double operations = 0;  // multiplications and additions; 0 where they are not counted
    };
    std::map<std::string, Kind> kinds;
};

/// Where networks are computed: the processor's cores or a GPU.
///
/// Computes one graph at a time, on the thread that owns the cores; graphs may be drawn, and
/// weights brought to it, on others meanwhile.
class Device {
public:
    /// Who computes the layers: kernels of ours (on oneDNN; the processor only), or ggml's
    /// operators.
    enum class Arithmetic : std::uint8_t { Ours, Ggml };

    struct Options {
        int threads = 1;
        bool gpu = false;  // ggml's first, by its own operators
        Arithmetic arithmetic = Arithmetic::Ours;
    };

    /// Errors: Unsupported if there is no GPU that this build can use; Internal.
    static Result<std::unique_ptr<Device>> open(const Options& options);

    ggml_backend_t backend() const { return backend_.get(); }
    int threads() const { return options_.threads; }
    Arithmetic arithmetic() const { return options_.arithmetic; }
    bool is_gpu() const { return options_.gpu; }
    /// What our kernels compute with.
    Workspace& workspace() { return workspace_; }

    /// From now on graphs are computed node by node, and the times are added to `profile`, until
    /// it is null.
    void set_profile(Profile* profile) { profile_ = profile; }
    Profile* profile() const { return profile_; }

    /// Computes all of `graph`, whose tensors have their memory. Polls `stop` between nodes where
    /// the backend allows it. Errors: Cancelled; Internal.
    Result<void> compute(ggml_cgraph* graph, const std::stop_token& stop);

private:
    Device(ggml_backend_ptr backend, const Options& options)
        : backend_(std::move(backend)), options_(options), workspace_(options.threads) {}

    ggml_backend_ptr backend_;
    Options options_;
    Workspace workspace_;
    Profile* profile_ = nullptr;
};

/// On what networks are computed, and how.
struct Compute {
    std::shared_ptr<Device> device;
    Precision precision = Precision::F32;
};

}  // namespace titans::engine
