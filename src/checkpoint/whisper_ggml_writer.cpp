#include "checkpoint/whisper_ggml_writer.h"

#include <ggml.h>

#include <algorithm>
#include <cstring>
#include <format>
#include <map>
#include <utility>

#include "checkpoint/mel_filters.h"

namespace titans::checkpoint {
namespace {

constexpr std::int32_t kMagic = 0x67676d6c;  // "ggml"
constexpr std::int32_t kMostlyF16 = 1;
constexpr int kFftSize = 400;
constexpr SampleRate kRate{16000};
constexpr int kMostLayers = 64;
constexpr std::string_view kEndOfText = "<|endoftext|>";

/// GPT-2's byte-level BPE writes a byte that Latin-1 prints as that character, and each other one,
/// in order, as the next character from U+0100 on.
std::map<char32_t, char> make_byte_of_character() {
    std::map<char32_t, char> bytes;
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
        const bool printed =
            (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        bytes.emplace(printed ? static_cast<char32_t>(byte) : next++, static_cast<char>(byte));
    }
    return bytes;
}

/// The bytes that `token` stands for. All its characters are below U+0800, so of one or two bytes.
Result<std::string> decode_token(std::string_view token) {
    static const std::map<char32_t, char> kByteOf = make_byte_of_character();
    const auto byte_at = [&](std::size_t i) {
        return i < token.size() ? static_cast<unsigned char>(token[i]) : 0U;
    };
    std::string bytes;
    for (std::size_t i = 0; i < token.size(); ++i) {
        char32_t character = byte_at(i);
        if ((character & 0xE0) == 0xC0 && (byte_at(i + 1) & 0xC0) == 0x80) {
            character = (character & 0x1F) << 6 | (byte_at(++i) & 0x3F);
        } else if (character >= 0x80) {
            character = U'\uFFFD';
        }
        const auto found = kByteOf.find(character);
        if (found == kByteOf.end()) {
            return fail(ErrorKind::InvalidInput, "vocabulary: a token is not of byte-level BPE");
        }
        bytes += found->second;
    }
    return bytes;
}

struct Sizes {
    int vocabulary, mels, audio_context, audio_layers, audio_heads, text_context, text_layers,
        text_heads, width;
};

int count_layers(const Tensors& tensors, std::string_view side) {
    int layers = 0;
    while (
        layers < kMostLayers &&
        tensors.contains(std::format("{}/layer_{}/self_attention/linear_0/weight", side, layers))) {
        ++layers;
    }
    return layers;
}

Result<int> count_heads(const Tensors& tensors, std::string_view side, int width) {
    TITANS_TRY(const TensorView heads, tensors.tensor(std::format("{}/num_heads", side), {}));
    std::int16_t count = 0;
    if (heads.dtype != Dtype::I16)
        return fail(ErrorKind::InvalidInput, "the number of heads is not of 16 bits");
    std::memcpy(&count, heads.bytes.data(), sizeof count);
    if (count < 1 || width % count != 0)
        return fail(ErrorKind::InvalidInput, "the heads do not share the width");
    return count;
}

/// The shape of a tensor whose axes may have any length up to 2^20.
Result<Shape> free_shape(const Tensors& tensors, std::string_view name, std::size_t rank) {
    TITANS_TRY(const TensorView tensor, tensors.tensor(name));
    const bool fits =
        std::ranges::all_of(tensor.shape, [](auto size) { return size >= 1 && size <= 1 << 20; });
    if (tensor.shape.size() != rank || !fits) {
        return fail(ErrorKind::InvalidInput,
                    std::format("tensor {}: its shape is {}", name, to_string(tensor.shape)));
    }
    return tensor.shape;
}

Result<Sizes> read_sizes(const Tensors& tensors) {
    TITANS_TRY(const Shape kernel, free_shape(tensors, "encoder/conv1/weight", 3));
    TITANS_TRY(const Shape audio, free_shape(tensors, "encoder/position_encodings/encodings", 2));
    TITANS_TRY(const Shape text, free_shape(tensors, "decoder/position_encodings/encodings", 2));
    TITANS_TRY(const Shape words, free_shape(tensors, "decoder/embeddings/weight", 2));
    const int width = static_cast<int>(kernel[0]);
    TITANS_TRY(const int audio_heads, count_heads(tensors, "encoder", width));
    TITANS_TRY(const int text_heads, count_heads(tensors, "decoder", width));
    const Sizes sizes{.vocabulary = static_cast<int>(words[0]),
                      .mels = static_cast<int>(kernel[1]),
                      .audio_context = static_cast<int>(audio[0]),
                      .audio_layers = count_layers(tensors, "encoder"),
                      .audio_heads = audio_heads,
                      .text_context = static_cast<int>(text[0]),
                      .text_layers = count_layers(tensors, "decoder"),
                      .text_heads = text_heads,
                      .width = width};
    if (sizes.audio_layers == 0 || sizes.text_layers == 0)
        return fail(ErrorKind::InvalidInput, "has no layers");
    return sizes;
}

enum class Storage : std::int32_t { F32 = GGML_TYPE_F32, F16 = GGML_TYPE_F16 };

class Writer {
public:
    Writer(const Tensors& tensors, std::FILE* out) : tensors_(tensors), out_(out) {}

    void number(std::int32_t value) { bytes(&value, sizeof value); }

    void string(std::string_view text) {
        number(static_cast<std::int32_t>(text.size()));
        bytes(text.data(), text.size());
    }

    template <typename Value>
    void values(const std::vector<Value>& list) {
        bytes(list.data(), list.size() * sizeof(Value));
    }

    /// Writes tensor `source`, which must have `shape`, as `name`.
    Result<void> tensor(std::string_view name, std::string_view source, const Shape& shape,
                        Storage storage) {
        TITANS_TRY(const TensorView found, tensors_.tensor(source, shape));
        return write(name, found, shape, storage);
    }

    /// Writes one of the equal `parts` that tensor `source` of `shape` holds one after the other
    /// along its first axis.
    Result<void> part(std::string_view name, std::string_view source, const Shape& shape,
                      Storage storage, int part, int parts) {
        Shape whole = shape;
        whole[0] *= parts;
        TITANS_TRY(TensorView found, tensors_.tensor(source, whole));
        const std::size_t size = found.bytes.size() / parts;
        found.bytes = found.bytes.subspan(size * part, size);
        return write(name, found, shape, storage);
    }

    /// libwhisper adds a convolution's bias to [width, frames], so it holds it as [width, 1].
    Result<void> column(std::string_view name, std::string_view source, std::int64_t width) {
        TITANS_TRY(const TensorView found, tensors_.tensor(source, {width}));
        return write(name, found, {width, 1}, Storage::F32);
    }

    Result<void> linear(std::string_view name, std::string_view source, std::int64_t to,
                        std::int64_t from) {
        TITANS_TRY_VOID(tensor(std::format("{}.weight", name), std::format("{}/weight", source),
                               {to, from}, Storage::F16));
        return tensor(std::format("{}.bias", name), std::format("{}/bias", source), {to},
                      Storage::F32);
    }

    /// Part `index` of `parts` linear layers that are stored as one. Keys have no bias in Whisper
    /// (softmax would cancel it); CTranslate2 stores zeros.
    Result<void> fused_linear(std::string_view name, std::string_view source, std::int64_t width,
                              int index, int parts) {
        TITANS_TRY_VOID(part(std::format("{}.weight", name), std::format("{}/weight", source),
                             {width, width}, Storage::F16, index, parts));
        if (name.ends_with(".key")) return {};
        return part(std::format("{}.bias", name), std::format("{}/bias", source), {width},
                    Storage::F32, index, parts);
    }

    Result<void> layer_norm(std::string_view name, std::string_view source, std::int64_t width) {
        TITANS_TRY_VOID(tensor(std::format("{}.weight", name), std::format("{}/gamma", source),
                               {width}, Storage::F32));
        return tensor(std::format("{}.bias", name), std::format("{}/beta", source), {width},
                      Storage::F32);
    }

    Result<void> layer(std::string_view name, std::string_view source, std::int64_t width,
                       bool cross_attends) {
        const auto to = [&](std::string_view rest) { return std::format("{}.{}", name, rest); };
        const auto from = [&](std::string_view rest) { return std::format("{}/{}", source, rest); };
        TITANS_TRY_VOID(layer_norm(to("attn_ln"), from("self_attention/layer_norm"), width));
        TITANS_TRY_VOID(
            fused_linear(to("attn.query"), from("self_attention/linear_0"), width, 0, 3));
        TITANS_TRY_VOID(fused_linear(to("attn.key"), from("self_attention/linear_0"), width, 1, 3));
        TITANS_TRY_VOID(
            fused_linear(to("attn.value"), from("self_attention/linear_0"), width, 2, 3));
        TITANS_TRY_VOID(linear(to("attn.out"), from("self_attention/linear_1"), width, width));
        if (cross_attends) {
            TITANS_TRY_VOID(layer_norm(to("cross_attn_ln"), from("attention/layer_norm"), width));
            TITANS_TRY_VOID(
                linear(to("cross_attn.query"), from("attention/linear_0"), width, width));
            TITANS_TRY_VOID(
                fused_linear(to("cross_attn.key"), from("attention/linear_1"), width, 0, 2));
            TITANS_TRY_VOID(
                fused_linear(to("cross_attn.value"), from("attention/linear_1"), width, 1, 2));
            TITANS_TRY_VOID(linear(to("cross_attn.out"), from("attention/linear_2"), width, width));
        }
        TITANS_TRY_VOID(layer_norm(to("mlp_ln"), from("ffn/layer_norm"), width));
        TITANS_TRY_VOID(linear(to("mlp.0"), from("ffn/linear_0"), 4 * width, width));
        return linear(to("mlp.2"), from("ffn/linear_1"), width, 4 * width);
    }

private:
    void bytes(const void* data, std::size_t size) { (void)std::fwrite(data, 1, size, out_); }

    /// rank, name length, type, axes fastest first, name, values; libwhisper reads them back to
    /// back.
    Result<void> write(std::string_view name, const TensorView& tensor, const Shape& shape,
                       Storage storage) {
        if (tensor.dtype != Dtype::F32 && tensor.dtype != Dtype::F16 &&
            tensor.dtype != Dtype::BF16) {
            return fail(ErrorKind::Unsupported,
                        std::format("tensor {}: its weights are quantised", tensor.name));
        }
        number(static_cast<std::int32_t>(shape.size()));
        number(static_cast<std::int32_t>(name.size()));
        number(static_cast<std::int32_t>(storage));
        for (auto axis = shape.rbegin(); axis != shape.rend(); ++axis)
            number(static_cast<std::int32_t>(*axis));
        bytes(name.data(), name.size());
        if (storage == Storage::F16 && tensor.dtype == Dtype::F16) {
            bytes(tensor.bytes.data(), tensor.bytes.size());
            return {};
        }
        TITANS_TRY(const std::vector<float> floats, to_f32(tensor));
        if (storage == Storage::F32) {
            values(floats);
        } else {
            std::vector<ggml_fp16_t> halves(floats.size());
            ggml_fp32_to_fp16_row(floats.data(), halves.data(),
                                  static_cast<std::int64_t>(floats.size()));
            values(halves);
        }
        return {};
    }

    const Tensors& tensors_;
    std::FILE* out_;
};

}  // namespace

Result<void> write_whisper_ggml(const Ctranslate2Model& model,
                                const std::vector<std::string>& tokens, std::FILE* out) {
    if (model.spec != "WhisperSpec")
        return fail(ErrorKind::InvalidInput, "model.bin: is not a Whisper model");
    TITANS_TRY(const Sizes sizes, read_sizes(model.tensors));
    if (std::cmp_not_equal(tokens.size(), sizes.vocabulary)) {
        return fail(ErrorKind::InvalidInput,
                    "vocabulary: has another number of tokens than the model");
    }
    // libwhisper makes the special tokens, which begin here, itself.
    const auto words = std::ranges::find(tokens, kEndOfText);
    if (words == tokens.end())
        return fail(ErrorKind::InvalidInput, "vocabulary: has no <|endoftext|>");

    Writer writer(model.tensors, out);
    for (const std::int32_t number :
         {kMagic, sizes.vocabulary, sizes.audio_context, sizes.width, sizes.audio_heads,
          sizes.audio_layers, sizes.text_context, sizes.width, sizes.text_heads, sizes.text_layers,
          sizes.mels, kMostlyF16}) {
        writer.number(number);
    }
    writer.number(sizes.mels);
    writer.number((kFftSize / 2) + 1);
    writer.values(slaney_mel_filters(sizes.mels, kFftSize, kRate));
    writer.number(static_cast<std::int32_t>(words - tokens.begin()));
    for (auto token = tokens.begin(); token != words; ++token) {
        TITANS_TRY(const std::string bytes, decode_token(*token));
        writer.string(bytes);
    }

    const std::int64_t width = sizes.width;
    TITANS_TRY_VOID(writer.tensor("encoder.positional_embedding",
                                  "encoder/position_encodings/encodings",
                                  {sizes.audio_context, width}, Storage::F32));
    TITANS_TRY_VOID(writer.tensor("encoder.conv1.weight", "encoder/conv1/weight",
                                  {width, sizes.mels, 3}, Storage::F16));
    TITANS_TRY_VOID(writer.column("encoder.conv1.bias", "encoder/conv1/bias", width));
    TITANS_TRY_VOID(writer.tensor("encoder.conv2.weight", "encoder/conv2/weight", {width, width, 3},
                                  Storage::F16));
    TITANS_TRY_VOID(writer.column("encoder.conv2.bias", "encoder/conv2/bias", width));
    for (int i = 0; i < sizes.audio_layers; ++i) {
        TITANS_TRY_VOID(writer.layer(std::format("encoder.blocks.{}", i),
                                     std::format("encoder/layer_{}", i), width, false));
    }
    TITANS_TRY_VOID(writer.layer_norm("encoder.ln_post", "encoder/layer_norm", width));
    TITANS_TRY_VOID(writer.tensor("decoder.positional_embedding",
                                  "decoder/position_encodings/encodings",
                                  {sizes.text_context, width}, Storage::F32));
    TITANS_TRY_VOID(writer.tensor("decoder.token_embedding.weight", "decoder/embeddings/weight",
                                  {sizes.vocabulary, width}, Storage::F16));
    for (int i = 0; i < sizes.text_layers; ++i) {
        TITANS_TRY_VOID(writer.layer(std::format("decoder.blocks.{}", i),
                                     std::format("decoder/layer_{}", i), width, true));
    }
    return writer.layer_norm("decoder.ln", "decoder/layer_norm", width);
}

}  // namespace titans::checkpoint
