#include "engine/layers/workspace.h"

#include <sys/mman.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <memory>
#include <new>
#include <oneapi/dnnl/dnnl_ukernel.hpp>

namespace titans::engine {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = 2U << 20U;

struct Types {
    dnnl::memory::data_type a;
    dnnl::memory::data_type b;
    dnnl::memory::data_type c;
};

Types types_of(Precision precision) {
    using Type = dnnl::memory::data_type;
    switch (precision) {
        case Precision::F32:
            return {Type::f32, Type::f32, Type::f32};
        case Precision::Bf16:
            return {Type::bf16, Type::bf16, Type::f32};
        case Precision::Int8:
            return {Type::u8, Type::s8, Type::s32};
    }
    std::unreachable();
}

}  // namespace

void prefer_huge_pages(std::span<std::byte> memory) {
#ifdef MADV_HUGEPAGE
    void* begin = memory.data();
    std::size_t bytes = memory.size();
    if (std::align(kHugePage, kHugePage, begin, bytes) != nullptr)
        madvise(begin, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);  // at best
#endif
}

AlignedMemory::AlignedMemory(std::size_t bytes) : size_(bytes) {
    const std::size_t alignment = bytes < kHugePage ? kAlignment : kHugePage;
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, rounded)));
    if (memory_ == nullptr) throw std::bad_alloc();
    if (alignment == kHugePage) prefer_huge_pages({memory_.get(), rounded});
}

void AlignedMemory::Free::operator()(std::byte* memory) const noexcept { std::free(memory); }

struct MatrixKernel::Code {
    dnnl::ukernel::brgemm brgemm;
};

MatrixKernel::MatrixKernel(const Shape& shape) {
    const Types types = types_of(shape.precision);
    code_ = std::make_unique<Code>(dnnl::ukernel::brgemm(shape.m, shape.n, shape.k, shape.batch,
                                                         shape.a_row, shape.b_row, shape.c_row,
                                                         types.a, types.b, types.c));
    code_->brgemm.set_add_C(shape.accumulate);
    [[maybe_unused]] const bool final = code_->brgemm.finalize();
    assert(final);  // else the precision was none that computed_precision() gives
    code_->brgemm.generate();
}

MatrixKernel::~MatrixKernel() = default;

std::size_t MatrixKernel::scratch_bytes() const { return code_->brgemm.get_scratchpad_size(); }

void MatrixKernel::run(const void* a, const void* b, const Offsets* offsets, void* c,
                       void* scratch) const {
    static_assert(sizeof(Offsets) == 2 * sizeof(dnnl_dim_t));
    code_->brgemm.set_hw_context();
    [[maybe_unused]] const dnnl_status_t status = dnnl_brgemm_execute(
        code_->brgemm.get(), a, b, reinterpret_cast<const dnnl_dim_t*>(offsets), c, scratch);
    assert(status == dnnl_success);
}

void MatrixKernel::release() { dnnl::ukernel::brgemm::release_hw_context(); }

Workspace::Workspace(int threads) : threads_(static_cast<std::size_t>(threads)) {}

std::shared_ptr<const MatrixKernel> Workspace::kernel(const MatrixKernel::Shape& shape) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = kernels_.find(shape); found != kernels_.end()) {
        if (auto kernel = found->second.lock()) return kernel;
    }
    std::erase_if(kernels_, [](const auto& entry) { return entry.second.expired(); });
    auto kernel = std::make_shared<const MatrixKernel>(shape);
    needed_by_kernels_ = std::max(needed_by_kernels_, kernel->scratch_bytes());
    kernels_[shape] = kernel;
    return kernel;
}

void Workspace::reserve(std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    needed_ = std::max(needed_, bytes);
}

void Workspace::prepare() {
    const std::scoped_lock lock(mutex_);
    for (Thread& thread : threads_) {
        if (thread.memory.size() < needed_) thread.memory = AlignedMemory(needed_);
        if (thread.kernel_memory.size() < needed_by_kernels_)
            thread.kernel_memory = AlignedMemory(needed_by_kernels_);
    }
}

}  // namespace titans::engine
