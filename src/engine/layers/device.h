#pragma once

#include <ggml-backend.h>
#include <ggml-cpp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "engine/ggml/backends.h"
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
        std::optional<int> gpu;  // which of number_gpus(), by ggml's operators; else the processor
        Arithmetic arithmetic = Arithmetic::Ours;
    };

    /// Errors: Unsupported if there is no such GPU that this build can use; Internal.
    static Result<std::unique_ptr<Device>> open(const Options& options);

    ggml_backend_t backend() const { return backend_.get(); }
    int threads() const { return options_.threads; }
    Arithmetic arithmetic() const { return options_.arithmetic; }
    bool is_gpu() const { return options_.gpu.has_value(); }
    /// "cpu", or what the card is called.
    const std::string& name() const { return name_; }
    /// Bytes of a GPU's memory that are free, if it tells.
    std::optional<std::size_t> free_memory() const;
    /// What our kernels compute with.
    Workspace& workspace() { return workspace_; }

    /// From now on graphs are computed node by node, and the times are added to `profile`, until
    /// it is null.
    void set_profile(Profile* profile) { profile_ = profile; }
    Profile* profile() const { return profile_; }

    /// Computes all of `graph`, whose tensors have their memory. Polls `stop` between nodes where
    /// the backend allows it: the processor's does, a GPU's does not. Errors: Cancelled; Internal.
    Result<void> compute(ggml_cgraph* graph, const std::stop_token& stop);

private:
    Device(ggml_backend_ptr backend, const Options& options, std::string name)
        : backend_(std::move(backend)),
          options_(options),
          name_(std::move(name)),
          workspace_(options.threads) {}

    ggml_backend_ptr backend_;
    Options options_;
    std::string name_;
    Workspace workspace_;
    Profile* profile_ = nullptr;
};

/// On what networks are computed, and how.
struct Compute {
    std::shared_ptr<Device> device;
    Precision precision = Precision::F32;
};

/// Which GPUs are used where nobody asks for one.
enum class UseGpus : std::uint8_t { Never, WithMemoryOfTheirOwn, Any };

/// The number of that one of `gpus`; nothing where it is the processor.
std::optional<int> choose_gpu(std::span<const ComputeDevice> gpus, UseGpus use);

/// What the networks of this process can be computed on. Opens a GPU when it is first wanted.
///
/// Not thread-safe, but for gpus().
class Devices {
public:
    struct Options {
        int threads = 1;
        Precision precision = Precision::F32;
        UseGpus gpus = UseGpus::WithMemoryOfTheirOwn;
    };

    /// Errors: as Device::open() for the processor.
    static Result<Devices> open(const Options& options);

    const Compute& processor() const { return processor_; }
    /// The GPU that is used where nobody asks for one; the processor if it cannot be opened.
    Compute usual();
    /// Errors: Unsupported if there is no GPU of that number, or it cannot be opened, which is
    /// logged once.
    Result<Compute> gpu(int number);
    /// How many there are that may be used.
    int gpus() const { return static_cast<int>(gpus_.size()); }

private:
    Devices(const Options& options, Compute processor);

    Options options_;
    Compute processor_;
    std::vector<ComputeDevice> gpus_;
    std::map<int, Result<Compute>> opened_;
};

}  // namespace titans::engine
