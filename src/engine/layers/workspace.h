#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "engine/layers/precision.h"

namespace titans::engine {

/// Asks for huge pages where `memory` is large enough; it need not have been touched.
void prefer_huge_pages(std::span<std::byte> memory);

/// Memory on a boundary of 64 bytes, in huge pages if it is large; not initialised.
class AlignedMemory {
public:
    AlignedMemory() = default;
    explicit AlignedMemory(std::size_t bytes);

    std::byte* get() const { return memory_.get(); }
    std::size_t size() const { return size_; }

private:
    struct Free {
        void operator()(std::byte* memory) const noexcept;
    };
    std::unique_ptr<std::byte, Free> memory_;
    std::size_t size_ = 0;
};

/// The product of two small matrices of fixed shape, c = a b or c += a b: machine code that oneDNN
/// makes for it, on one thread. c and its sums are F32 (of bytes: I32).
class MatrixKernel {
public:
    struct Shape {
        /// Of bytes, a is unsigned and b signed.
        Precision precision = Precision::F32;
        bool accumulate = false;
        std::int64_t m = 0;
        std::int64_t n = 0;
        std::int64_t k = 0;
        std::int64_t batch = 1;  // products that are added up, each at offsets of its own
        // Numbers from one row to the next. b: [k, n] of F32; of others, as many rows of k as make
        // 4 bytes lie side by side, number by number.
        std::int64_t a_row = 0;
        std::int64_t b_row = 0;
        std::int64_t c_row = 0;

        auto operator<=>(const Shape&) const = default;
    };
    struct Offsets {
        std::int64_t a = 0;  // bytes
        std::int64_t b = 0;
    };

    explicit MatrixKernel(const Shape& shape);
    MatrixKernel(const MatrixKernel&) = delete;
    MatrixKernel& operator=(const MatrixKernel&) = delete;
    ~MatrixKernel();

    std::size_t scratch_bytes() const;
    /// offsets: one for each product of the batch.
    void run(const void* a, const void* b, const Offsets* offsets, void* c, void* scratch) const;
    /// After the last of several run() on a thread: gives back what the processor holds for them
    /// (the tiles of AMX).
    static void release();

private:
    struct Code;
    std::unique_ptr<Code> code_;
};

/// What the layers of a Device compute with: kernels, each made once for all that use it at a time,
/// and each thread's scratch memory. Graphs may be drawn on one thread while another computes.
class Workspace {
public:
    explicit Workspace(int threads);

    std::shared_ptr<const MatrixKernel> kernel(const MatrixKernel::Shape& shape);
    /// Each thread will have at least so many bytes, from the next prepare() on.
    void reserve(std::size_t bytes);
    /// Before a graph runs, on the thread that runs it: makes room for what was drawn since.
    void prepare();

    std::byte* memory(int thread) const { return at(thread).memory.get(); }
    void* kernel_memory(int thread) const { return at(thread).kernel_memory.get(); }
    int threads() const { return static_cast<int>(threads_.size()); }

private:
    struct Thread {
        AlignedMemory memory;
        AlignedMemory kernel_memory;
    };
    const Thread& at(int thread) const { return threads_[static_cast<std::size_t>(thread)]; }

    std::mutex mutex_;  // of the kernels and of what is needed
    std::map<MatrixKernel::Shape, std::weak_ptr<const MatrixKernel>> kernels_;
    std::size_t needed_ = 0;
    std::size_t needed_by_kernels_ = 0;
    std::vector<Thread> threads_;
};

}  // namespace titans::engine
