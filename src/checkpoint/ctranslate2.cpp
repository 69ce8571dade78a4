#include "checkpoint/ctranslate2.h"

#include <array>
#include <cstring>
#include <format>

namespace titans::checkpoint {
namespace {

constexpr std::uint32_t kBinaryVersion = 6;
constexpr std::uint8_t kHighestRank = 8;

// CTranslate2's type ids, in their order.
constexpr std::array kDtypes{Dtype::F32, Dtype::I8,  Dtype::I16,
                             Dtype::I32, Dtype::F16, Dtype::BF16};

class Reader {
public:
    explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    bool at_end() const { return bytes_.empty(); }

    Result<std::span<const std::byte>> take(std::size_t count) {
        if (count > bytes_.size())
            return fail(ErrorKind::InvalidInput, "ends in the middle of a field");
        const auto taken = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return taken;
    }

    template <typename Number>
    Result<Number> number() {
        Number value{};
        TITANS_TRY(const auto bytes, take(sizeof value));
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }

    /// Two bytes of length, then that many characters of which the last is NUL.
    Result<std::string> string() {
        TITANS_TRY(const auto length, number<std::uint16_t>());
        TITANS_TRY(const auto bytes, take(length));
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        if (text.empty() || text.find('\0') != text.size() - 1)
            return fail(ErrorKind::InvalidInput, "has a name without an end");
        return std::string(text.substr(0, text.size() - 1));
    }

private:
    std::span<const std::byte> bytes_;
};

Result<TensorView> read_tensor(Reader& reader) {
    TensorView tensor;
    TITANS_TRY(tensor.name, reader.string());
    TITANS_TRY(const auto rank, reader.number<std::uint8_t>());
    if (rank > kHighestRank) {
        return fail(ErrorKind::InvalidInput,
                    std::format("tensor {}: has too many axes", tensor.name));
    }
    for (int axis = 0; axis < rank; ++axis) {
        TITANS_TRY(const auto dimension, reader.number<std::uint32_t>());
        tensor.shape.push_back(dimension);
    }
    TITANS_TRY(const auto dtype, reader.number<std::uint8_t>());
    if (dtype >= kDtypes.size()) {
        return fail(ErrorKind::Unsupported,
                    std::format("tensor {}: its type is unknown", tensor.name));
    }
    tensor.dtype = kDtypes[dtype];
    TITANS_TRY(const auto bytes, reader.number<std::uint32_t>());
    TITANS_TRY(tensor.bytes, reader.take(bytes));
    return tensor;
}

}  // namespace

Result<Ctranslate2Model> parse_ctranslate2(std::span<const std::byte> file) {
    Reader reader(file);
    TITANS_TRY(const auto version, reader.number<std::uint32_t>());
    if (version != kBinaryVersion) {
        return fail(ErrorKind::Unsupported,
                    std::format("is not of CTranslate2's binary version {}", kBinaryVersion));
    }
    Ctranslate2Model model;
    TITANS_TRY(model.spec, reader.string());
    TITANS_TRY(model.revision, reader.number<std::uint32_t>());
    TITANS_TRY(const auto tensors, reader.number<std::uint32_t>());
    for (std::uint32_t i = 0; i < tensors; ++i) {
        TITANS_TRY(TensorView tensor, read_tensor(reader));
        TITANS_TRY_VOID(model.tensors.add(std::move(tensor)));
    }
    TITANS_TRY(const auto aliases, reader.number<std::uint32_t>());
    for (std::uint32_t i = 0; i < aliases; ++i) {
        TITANS_TRY(const std::string alias, reader.string());
        TITANS_TRY(const std::string name, reader.string());
        TITANS_TRY_VOID(model.tensors.add_alias(alias, name));
    }
    if (!reader.at_end()) return fail(ErrorKind::InvalidInput, "goes on after its last field");
    return model;
}

Result<Ctranslate2File> Ctranslate2File::open(const std::filesystem::path& path) {
    TITANS_TRY(MappedFile file, MappedFile::open(path));
    auto model = parse_ctranslate2(file.bytes());
    if (!model) {
        return fail(model.error().kind,
                    std::format("{}: {}", path.filename().string(), model.error().message));
    }
    return Ctranslate2File(std::move(file), *std::move(model));
}

}  // namespace titans::checkpoint
