#include "engine/layers/packed_matrix.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

namespace titans::engine {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kMostRows = 64;
/// What a kernel reads of a panel at once stays in the second-level cache.
constexpr std::size_t kPanelPart = 256U << 10U;

std::int64_t numbers_of_word(Precision precision) {
    return 4 / static_cast<std::int64_t>(number_bytes(precision));
}

std::int64_t rounded_up(std::int64_t value, std::int64_t unit) {
    return (value + unit - 1) / unit * unit;
}

std::size_t bytes_of(GgufFile::Type type) {
    return type == GgufFile::Type::F32 ? sizeof(float) : sizeof(std::uint16_t);
}

/// `count` numbers from the `first` on, as F32: those of the source itself, or in `values`.
const float* as_f32(const PackedMatrix::Source& source, std::size_t first, std::size_t count,
                    float* values) {
    const std::byte* from = source.bytes.data() + first * bytes_of(source.type);
    switch (source.type) {
        case GgufFile::Type::F16:
            vectors::from_f16(reinterpret_cast<const std::uint16_t*>(from), values, count);
            return values;
        case GgufFile::Type::Bf16:
            vectors::from_bf16(reinterpret_cast<const std::uint16_t*>(from), values, count);
            return values;
        default:
            std::memcpy(values, from, count * sizeof(float));
            return values;
    }
}

}  // namespace

std::size_t number_bytes(Precision precision) {
    switch (precision) {
        case Precision::F32:
            return 4;
        case Precision::Bf16:
            return 2;
        case Precision::Int8:
            return 1;
    }
    std::unreachable();
}

PackedMatrix::PackedMatrix(const Shape& shape, std::vector<Source> sources)
    : shape_(shape), sources_(std::move(sources)) {
    if (shape_.precision == Precision::Int8) {
        scales_.resize(static_cast<std::size_t>(panels() * kPanel));
        offsets_.resize(static_cast<std::size_t>(panels() * kPanel));
    }
}

std::size_t PackedMatrix::tap_bytes() const {
    const std::int64_t unit = numbers_of_word(shape_.precision);
    return static_cast<std::size_t>(rounded_up(in(), unit) / unit * kPanel) * 4;
}

bool PackedMatrix::read_in_place() {
    if (shape_.precision != Precision::F32 || shape_.taps != 1) return false;
    std::vector<const std::byte*> places;
    for (const Source& source : sources_) {
        const std::int64_t row = row_of(source);
        if (source.type != GgufFile::Type::F32 || row != row_of(sources_.front())) return false;
        const std::int64_t outputs = outputs_of(source);
        if (&source != &sources_.back() && outputs % kPanel != 0) return false;
        for (std::int64_t output = 0; output < outputs; output += kPanel)
            places.push_back(source.bytes.data() +
                             static_cast<std::size_t>(output * row) * sizeof(float));
    }
    row_ = row_of(sources_.front());
    places_ = std::move(places);
    return true;
}

std::int64_t PackedMatrix::row_of(const Source& source) const {
    return source.row == 0 ? shape_.in * shape_.taps : static_cast<std::int64_t>(source.row);
}

std::int64_t PackedMatrix::outputs_of(const Source& source) const {
    const std::int64_t row = row_of(source);
    const auto numbers = static_cast<std::int64_t>(source.bytes.size() / bytes_of(source.type));
    return (numbers + row - shape_.in * shape_.taps) / row;  // nothing follows the last
}

void PackedMatrix::place(std::byte* memory) { data_ = memory; }

void PackedMatrix::read(std::int64_t output, float* values, std::vector<float>& scratch) const {
    const auto length = static_cast<std::size_t>(shape_.in * shape_.taps);
    for (const Source& source : sources_) {
        const std::int64_t outputs = outputs_of(source);
        if (output >= outputs) {
            output -= outputs;
            continue;
        }
        const auto first = static_cast<std::size_t>(output * row_of(source));
        if (shape_.taps == 1) {
            as_f32(source, first, length, values);
            return;
        }
        // [in, taps] to [taps, in]
        scratch.resize(length);
        const float* weights = as_f32(source, first, length, scratch.data());
        const auto in = static_cast<std::size_t>(shape_.in);
        const auto taps = static_cast<std::size_t>(shape_.taps);
        for (std::size_t tap = 0; tap < taps; ++tap)
            for (std::size_t i = 0; i < in; ++i) values[tap * in + i] = weights[i * taps + tap];
        return;
    }
}

void PackedMatrix::pack(std::int64_t panel) {
    const std::int64_t unit = numbers_of_word(shape_.precision);
    const std::int64_t words = rounded_up(in(), unit) / unit;  // of a tap
    const auto length = static_cast<std::size_t>(in() * taps());
    const auto all_words = static_cast<std::size_t>(words * taps());
    std::vector<float> values(length);
    std::vector<float> scratch;
    std::vector<std::uint32_t> rows(all_words * kLanes);
    auto* to =
        reinterpret_cast<std::uint32_t*>(data_ + static_cast<std::size_t>(panel) * panel_bytes());
    for (std::int64_t first = 0; first < kPanel; first += kLanes) {
        for (std::int64_t lane = 0; lane < kLanes; ++lane) {
            std::uint32_t* row = rows.data() + static_cast<std::size_t>(lane) * all_words;
            const std::int64_t output = panel * kPanel + first + lane;
            std::fill_n(row, all_words, 0U);
            if (output >= shape_.out) continue;
            read(output, values.data(), scratch);
            float factor = 0;
            if (shape_.precision == Precision::Int8) {
                constexpr float kMost = 127;
                const float most = vectors::largest_magnitude(values.data(), length);
                factor = most > 0 ? kMost / most : 0;
                scales_[static_cast<std::size_t>(output)] = most / kMost;
            }
            std::int32_t total = 0;
            for (std::int64_t tap = 0; tap < taps(); ++tap) {
                const float* from = values.data() + tap * in();
                std::uint32_t* tap_row = row + tap * words;
                const auto count = static_cast<std::size_t>(in());
                switch (shape_.precision) {
                    case Precision::F32:
                        std::memcpy(tap_row, from, count * sizeof(float));
                        break;
                    case Precision::Bf16:
                        vectors::to_bf16(from, reinterpret_cast<vectors::Bf16*>(tap_row), count);
                        break;
                    case Precision::Int8: {
                        auto* bytes = reinterpret_cast<std::uint8_t*>(tap_row);
                        vectors::to_bytes(from, factor, 0, bytes, count);
                        for (std::size_t i = 0; i < count; ++i)
                            total += static_cast<std::int8_t>(bytes[i]);
                        break;
                    }
                }
            }
            if (shape_.precision == Precision::Int8)
                offsets_[static_cast<std::size_t>(output)] = 128 * total;
        }
        vectors::transpose_16(rows.data(), all_words, to + first, static_cast<std::size_t>(kPanel),
                              all_words);
    }
}

vectors::Scales PackedMatrix::scales(std::int64_t panel, const float* of_rows) const {
    const auto first = static_cast<std::size_t>(panel * kPanel);
    return {.of_rows = of_rows,
            .of_columns = scales_.data() + first,
            .offsets = offsets_.data() + first};
}

TiledProduct::TiledProduct(Workspace& workspace, const PackedMatrix& matrix, const Rows& rows)
    : matrix_(matrix), rows_(rows) {
    const auto size = static_cast<std::int64_t>(number_bytes(matrix.precision()));
    const std::int64_t last_rows = rows_at((rows.rows - 1) / rows.of_tile * rows.of_tile);
    const auto make = [&](Call call, std::int64_t k, std::int64_t batch) {
        for (const bool last_tile : {false, true}) {
            for (const bool last_panel : {false, true}) {
                call.kernels[last_tile][last_panel] =
                    kernel(workspace, last_tile ? last_rows : std::min(rows.of_tile, rows.rows),
                           last_panel ? outputs_of(matrix.panels() - 1)
                                      : std::min(PackedMatrix::kPanel, matrix.out()),
                           k, batch);
            }
        }
        calls_.push_back(std::move(call));
    };
    if (matrix.taps() == 1) {
        const auto most = static_cast<std::int64_t>(kPanelPart) / (PackedMatrix::kPanel * size);
        const std::int64_t parts = (matrix.in() + most - 1) / most;
        const std::int64_t length = rounded_up((matrix.in() + parts - 1) / parts, kLanes);
        for (std::int64_t first = 0; first < matrix.in(); first += length) {
            const std::int64_t b_row = matrix.in_place() ? rows.a_row : PackedMatrix::kPanel;
            make({.a_bytes = first * size,
                  .b_bytes = static_cast<std::size_t>(first * b_row * size),
                  .offsets = {{}}},
                 std::min(length, matrix.in() - first), 1);
        }
    } else {
        const auto tap_bytes = static_cast<std::int64_t>(matrix.tap_bytes());
        const std::int64_t most =
            std::max<std::int64_t>(1, static_cast<std::int64_t>(kPanelPart) / tap_bytes);
        for (std::int64_t first = 0; first < matrix.taps(); first += most) {
            const std::int64_t count = std::min(most, matrix.taps() - first);
            Call call{.a_bytes = first * rows.tap_step * size,
                      .b_bytes = static_cast<std::size_t>(first * tap_bytes)};
            for (std::int64_t tap = 0; tap < count; ++tap)
                call.offsets.push_back({tap * rows.tap_step * size, tap * tap_bytes});
            make(std::move(call), matrix.in(), count);
        }
    }
}

std::shared_ptr<const MatrixKernel> TiledProduct::kernel(Workspace& workspace, std::int64_t rows,
                                                         std::int64_t outputs, std::int64_t k,
                                                         std::int64_t batch) const {
    MatrixKernel::Shape shape{.precision = matrix_.precision(),
                              .accumulate = !calls_.empty(),
                              .m = rows,
                              .n = outputs,
                              .k = rounded_up(k, numbers_of_word(matrix_.precision())),
                              .batch = batch,
                              .a_row = rows_.a_row,
                              .b_row = PackedMatrix::kPanel,
                              .c_row = vectors::kTileRow};
    if (matrix_.in_place()) {
        shape.m = outputs;
        shape.n = rows;
        shape.a_row = matrix_.row();
        shape.b_row = rows_.a_row;
    }
    return workspace.kernel(shape);
}

std::int64_t TiledProduct::rows_at(std::int64_t first) const {
    return std::min(rows_.of_tile, rows_.rows - first);
}

std::int64_t TiledProduct::outputs_of(std::int64_t panel) const {
    return std::min(PackedMatrix::kPanel, matrix_.out() - panel * PackedMatrix::kPanel);
}

void TiledProduct::run(const std::byte* a, std::int64_t first, std::int64_t panel, float* tile,
                       void* kernel_memory) const {
    const bool last_tile = first + rows_.of_tile >= rows_.rows;
    const bool last_panel = panel + 1 == matrix_.panels();
    const std::byte* b = matrix_.panel(panel);
    float* to = tile;
    if (matrix_.in_place()) {
        std::swap(a, b);
        to += kTileBytes / sizeof(float) / 2;
    }
    for (const Call& call : calls_) {
        call.kernels[last_tile][last_panel]->run(a + call.a_bytes, b + call.b_bytes,
                                                 call.offsets.data(), to, kernel_memory);
    }
    if (!matrix_.in_place()) return;
    for (std::int64_t output = 0; output < outputs_of(panel); output += kLanes) {
        vectors::transpose_16(reinterpret_cast<const std::uint32_t*>(to) +
                                  static_cast<std::size_t>(output) * vectors::kTileRow,
                              vectors::kTileRow, reinterpret_cast<std::uint32_t*>(tile) + output,
                              vectors::kTileRow, static_cast<std::size_t>(rows_at(first)));
    }
}

std::int64_t tile_height(std::int64_t rows, int threads) {
    const std::int64_t tiles =
        rounded_up((rows + kMostRows - 1) / kMostRows, rows < kMostRows ? 1 : threads);
    return std::max<std::int64_t>(1, (rows + tiles - 1) / tiles);
}

}  // namespace titans::engine
