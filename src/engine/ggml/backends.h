#pragma once

#include <ggml-backend.h>

#include <span>
#include <string>
#include <vector>

namespace titans::engine {

/// One thing that ggml can compute on.
struct ComputeDevice {
    std::string backend;      // "CPU", "BLAS", "Vulkan", ...
    std::string description;  // of the processor or card
    bool gpu = false;
    bool shares_memory = false;  // a GPU without memory of its own
    std::string place;           // of the card in the machine; empty if that is not known
    ggml_backend_dev_t handle = nullptr;
};

/// What ggml computes on in this process.
struct ComputeDevices {
    std::vector<ComputeDevice> devices;
    /// Why the BLAS backend that is installed is not used, and what to do; empty if all is well.
    std::string blas_problem;
};

/// Loads ggml's backends, on the first call; the same answer on every later one. Thread-safe. Every
/// engine calls it before its first model.
///
/// The BLAS backend is used only on the OpenMP build of OpenBLAS: a BLAS with threads of its own
/// fights ggml's for the cores and is several times slower than none, and the reference BLAS is
/// slower still. From then on what ggml and llama print goes to the log, at level debug.
const ComputeDevices& load_backends();

/// The GPUs among `devices` as people number them, from 0: those with memory of their own first. A
/// card that several backends know is the one of the backend that was found first.
std::vector<ComputeDevice> number_gpus(std::span<const ComputeDevice> devices);

/// Collects what the libraries report as warnings and errors on this thread while it lives: the
/// `detail` of an Error.
class LibraryWords {
public:
    LibraryWords();
    LibraryWords(const LibraryWords&) = delete;
    LibraryWords& operator=(const LibraryWords&) = delete;
    ~LibraryWords();

    const std::string& text() const { return text_; }

private:
    friend struct LibraryLog;
    std::string text_;
    LibraryWords* outer_;
};

}  // namespace titans::engine
