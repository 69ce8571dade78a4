#include "checkpoint/onnx.h"

#include <format>

namespace titans::checkpoint {
namespace {

constexpr std::size_t kHighestRank = 8;

// Field numbers of onnx.proto3.
constexpr std::uint64_t kModelGraph = 7;
constexpr std::uint64_t kGraphInitializer = 5;
constexpr std::uint64_t kTensorDims = 1;
constexpr std::uint64_t kTensorType = 2;
constexpr std::uint64_t kTensorName = 8;
constexpr std::uint64_t kTensorRawData = 9;

std::unexpected<Error> broken() {
    return fail(ErrorKind::InvalidInput, "is no ONNX model, or a broken one");
}

/// One field of a message: a number, or the bytes of a string, a list or a message within.
struct Field {
    std::uint64_t number = 0;
    bool is_bytes = false;
    std::uint64_t value = 0;
    std::span<const std::byte> bytes;
};

/// Reads a message of protocol buffers (protobuf.dev/programming-guides/encoding) field by field.
class Message {
public:
    explicit Message(std::span<const std::byte> bytes) : bytes_(bytes) {}

    bool at_end() const { return bytes_.empty(); }

    Result<std::uint64_t> number() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
            const auto byte = std::to_integer<std::uint64_t>(bytes_.front());
            bytes_ = bytes_.subspan(1);
            value |= (byte & 0x7F) << shift;
            if (byte < 0x80) return value;
        }
        return broken();
    }

    Result<Field> next() {
        TITANS_TRY(const std::uint64_t tag, number());
        Field field{.number = tag >> 3};
        switch (tag & 7) {
            case 0: {
                TITANS_TRY(field.value, number());
                return field;
            }
            case 1:
                return take(field, 8);
            case 2: {
                TITANS_TRY(const std::uint64_t size, number());
                field.is_bytes = true;
                return take(field, size);
            }
            case 5:
                return take(field, 4);
            default:
                return broken();
        }
    }

private:
    Result<Field> take(Field field, std::uint64_t size) {
        if (size > bytes_.size()) return broken();
        field.bytes = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        return field;
    }

    std::span<const std::byte> bytes_;
};

std::optional<Dtype> find_dtype(std::uint64_t number) {
    switch (number) {  // TensorProto.DataType
        case 1:
            return Dtype::F32;
        case 10:
            return Dtype::F16;
        case 11:
            return Dtype::F64;
        case 16:
            return Dtype::BF16;
        default:
            return std::nullopt;
    }
}

/// One dimension, or several in a list.
Result<void> read_dimensions(const Field& field, Shape& shape) {
    Message list(field.bytes);
    for (bool is_first = true; is_first || !list.at_end(); is_first = false) {
        std::uint64_t dimension = field.value;
        if (field.is_bytes) {
            if (list.at_end()) return {};
            TITANS_TRY(dimension, list.number());
        }
        if (dimension > INT64_MAX || shape.size() == kHighestRank) return broken();
        shape.push_back(static_cast<std::int64_t>(dimension));
    }
    return {};
}

Result<TensorView> parse_tensor(std::span<const std::byte> bytes) {
    TensorView tensor;
    std::uint64_t type = 0;
    for (Message message(bytes); !message.at_end();) {
        TITANS_TRY(const Field field, message.next());
        if (field.number == kTensorDims) TITANS_TRY_VOID(read_dimensions(field, tensor.shape));
        if (field.number == kTensorType) type = field.value;
        if (field.number == kTensorRawData) tensor.bytes = field.bytes;
        if (field.number == kTensorName) {
            tensor.name.assign(reinterpret_cast<const char*>(field.bytes.data()),
                               field.bytes.size());
        }
    }
    const auto dtype = find_dtype(type);
    if (!dtype || (tensor.bytes.empty() && byte_count(tensor.shape, *dtype) != 0)) {
        return fail(ErrorKind::Unsupported,
                    std::format("tensor {}: is not raw floating point", tensor.name));
    }
    tensor.dtype = *dtype;
    return tensor;
}

}  // namespace

Result<Tensors> parse_onnx(std::span<const std::byte> file) {
    Tensors tensors;
    for (Message model(file); !model.at_end();) {
        TITANS_TRY(const Field part, model.next());
        if (part.number != kModelGraph) continue;
        for (Message graph(part.bytes); !graph.at_end();) {
            TITANS_TRY(const Field field, graph.next());
            if (field.number != kGraphInitializer) continue;
            TITANS_TRY(TensorView tensor, parse_tensor(field.bytes));
            TITANS_TRY_VOID(tensors.add(std::move(tensor)));
        }
    }
    if (tensors.size() == 0) return broken();
    return tensors;
}

Result<OnnxFile> OnnxFile::open(const std::filesystem::path& path) {
    TITANS_TRY(MappedFile file, MappedFile::open(path));
    Result<Tensors> tensors = parse_onnx(file.bytes());
    if (!tensors) {
        tensors.error().message = path.filename().string() + ": " + tensors.error().message;
        return std::unexpected(std::move(tensors).error());
    }
    return OnnxFile(std::move(file), *std::move(tensors));
}

}  // namespace titans::checkpoint
