#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/tensors.h"
#include "foundation/temporary_folder_for_test.h"

// Small files and folders for the tests of this folder.
namespace titans::checkpoint::test {

class Folder : public TemporaryFolder {
public:
    void write(std::string_view name, std::string_view content) const {
        const std::filesystem::path file = *this / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << content;
    }

    std::size_t entries() const {
        return std::distance(std::filesystem::directory_iterator(path()),
                             std::filesystem::directory_iterator());
    }
};

inline std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

template <typename Number>
std::string raw(Number number) {
    return {reinterpret_cast<const char*>(&number), sizeof number};
}

/// A tensor that owns its bytes.
struct Array {
    std::string name;
    Dtype dtype = Dtype::F32;
    Shape shape;
    std::string bytes;

    TensorView view() const {
        return {.name = name, .dtype = dtype, .shape = shape, .bytes = bytes_of(bytes)};
    }
};

inline std::int64_t count(const Shape& shape) {
    std::int64_t product = 1;
    for (const std::int64_t dimension : shape) product *= dimension;
    return product;
}

/// An F32 tensor of the values first, first + 1, ... (each exact in F16 while below 2048), modulo
/// 2048.
inline Array ramp(std::string name, Shape shape, int first) {
    Array array{.name = std::move(name), .shape = std::move(shape), .bytes = {}};
    for (std::int64_t i = 0; i < count(array.shape); ++i) {
        array.bytes += raw(static_cast<float>((first + i) % 2048));
    }
    return array;
}

/// A model.bin of binary version 6.
inline std::string ctranslate2_file(
    std::string_view spec, const std::vector<Array>& arrays,
    const std::vector<std::pair<std::string, std::string>>& aliases) {
    const auto string = [](std::string_view text) {
        return raw(static_cast<std::uint16_t>(text.size() + 1)) + std::string(text) + '\0';
    };
    const auto type_id = [](Dtype dtype) {
        switch (dtype) {
            case Dtype::F32:
                return 0;
            case Dtype::I16:
                return 2;
            default:
                return 4;  // F16
        }
    };
    std::string file = raw(std::uint32_t{6}) + string(spec) + raw(std::uint32_t{3});
    file += raw(static_cast<std::uint32_t>(arrays.size()));
    for (const Array& array : arrays) {
        file += string(array.name) + raw(static_cast<std::uint8_t>(array.shape.size()));
        for (const std::int64_t dimension : array.shape)
            file += raw(static_cast<std::uint32_t>(dimension));
        file += raw(static_cast<std::uint8_t>(type_id(array.dtype)));
        file += raw(static_cast<std::uint32_t>(array.bytes.size())) + array.bytes;
    }
    file += raw(static_cast<std::uint32_t>(aliases.size()));
    for (const auto& [alias, name] : aliases) file += string(alias) + string(name);
    return file;
}

/// Eight bytes of length, the header, the data.
inline std::string safetensors_file(std::string_view header, std::string_view data) {
    return raw(std::uint64_t{header.size()}) + std::string(header) + std::string(data);
}

/// A safetensors file of F32 and F16 tensors.
inline std::string safetensors_file(const std::vector<Array>& arrays) {
    std::string header = "{";
    std::string data;
    for (const Array& array : arrays) {
        if (header.size() > 1) header += ",";
        header +=
            std::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", array.name,
                        array.dtype == Dtype::F16 ? "F16" : "F32", to_string(array.shape),
                        data.size(), data.size() + array.bytes.size());
        data += array.bytes;
    }
    return safetensors_file(header + "}", data);
}

/// A number and bytes as fields of protocol buffers.
inline std::string onnx_number(std::uint64_t field, std::uint64_t value) {
    const auto varint = [](std::uint64_t number) {
        std::string text;
        for (; number >= 0x80; number >>= 7) text += static_cast<char>(number | 0x80);
        return text + static_cast<char>(number);
    };
    return varint(field << 3) + varint(value);
}
inline std::string onnx_bytes(std::uint64_t field, std::string_view bytes) {
    std::string text = onnx_number(field, bytes.size());
    text[0] = static_cast<char>(text[0] | 2);
    return text.append(bytes);
}

inline std::string onnx_tensor(const Array& array) {
    std::string dimensions;  // each below 128
    for (const std::int64_t dimension : array.shape) dimensions += static_cast<char>(dimension);
    return onnx_bytes(1, dimensions) + onnx_number(2, 1) + onnx_bytes(8, array.name) +
           onnx_bytes(9, array.bytes);
}

/// An ONNX model with nothing but F32 weights.
inline std::string onnx_model(const std::vector<Array>& arrays) {
    std::string graph;
    for (const Array& array : arrays) graph += onnx_bytes(5, onnx_tensor(array));
    return onnx_number(1, 8) + onnx_bytes(7, graph);
}

/// The tensors of a Whisper model of CTranslate2's with one layer a side, width 8, 2 heads, 7
/// tokens, 80 mels.
inline std::vector<Array> tiny_whisper() {
    std::vector<Array> arrays;
    int first = 0;
    const auto add = [&](const std::string& name, Shape shape) {
        arrays.push_back(ramp(name, std::move(shape), first += 7));
    };
    const auto linear = [&](const std::string& name, int to, int from) {
        add(name + "/weight", {to, from});
        add(name + "/bias", {to});
    };
    const auto layer_norm = [&](const std::string& name) {
        add(name + "/gamma", {8});
        add(name + "/beta", {8});
    };
    add("encoder/conv1/weight", {8, 80, 3});
    add("encoder/conv1/bias", {8});
    add("encoder/conv2/weight", {8, 8, 3});
    add("encoder/conv2/bias", {8});
    add("encoder/position_encodings/encodings", {12, 8});
    add("decoder/position_encodings/encodings", {10, 8});
    add("decoder/embeddings/weight", {7, 8});
    for (const std::string side : {"encoder", "decoder"}) {
        arrays.push_back({.name = side + "/num_heads",
                          .dtype = Dtype::I16,
                          .shape = {},
                          .bytes = raw(std::int16_t{2})});
        const std::string layer = side + "/layer_0/";
        layer_norm(layer + "self_attention/layer_norm");
        linear(layer + "self_attention/linear_0", 24, 8);
        linear(layer + "self_attention/linear_1", 8, 8);
        layer_norm(layer + "ffn/layer_norm");
        linear(layer + "ffn/linear_0", 32, 8);
        linear(layer + "ffn/linear_1", 8, 32);
        layer_norm(side + "/layer_norm");
    }
    layer_norm("decoder/layer_0/attention/layer_norm");
    linear("decoder/layer_0/attention/linear_0", 8, 8);
    linear("decoder/layer_0/attention/linear_1", 16, 8);
    linear("decoder/layer_0/attention/linear_2", 8, 8);
    return arrays;
}

/// The tensors of a BERT encoder with one layer, width 8, 7 tokens, 6 positions, 2 types,
/// feed-forward 16.
inline std::vector<Array> tiny_bert() {
    std::vector<Array> arrays;
    int first = 0;
    const auto add = [&](const std::string& name, Shape shape) {
        arrays.push_back(ramp(name, std::move(shape), first += 7));
    };
    const auto pair = [&](const std::string& name, Shape shape) {
        const std::int64_t rows = shape[0];
        add(name + ".weight", std::move(shape));
        add(name + ".bias", {rows});
    };
    add("embeddings.word_embeddings.weight", {7, 8});
    add("embeddings.token_type_embeddings.weight", {2, 8});
    add("embeddings.position_embeddings.weight", {6, 8});
    pair("embeddings.LayerNorm", {8});
    const std::string layer = "encoder.layer.0.";
    for (const std::string part : {"query", "key", "value"})
        pair(layer + "attention.self." + part, {8, 8});
    pair(layer + "attention.output.dense", {8, 8});
    pair(layer + "attention.output.LayerNorm", {8});
    pair(layer + "intermediate.dense", {16, 8});
    pair(layer + "output.dense", {8, 16});
    pair(layer + "output.LayerNorm", {8});
    return arrays;
}

inline const std::vector<std::string> kTinyBertPieces{"[PAD]",  "[UNK]", "[CLS]", "[SEP]",
                                                      "[MASK]", "cat",   "##s"};

}  // namespace titans::checkpoint::test
