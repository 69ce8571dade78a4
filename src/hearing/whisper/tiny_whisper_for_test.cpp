#include "hearing/whisper/tiny_whisper_for_test.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace titans::hearing::whisper {
namespace {

constexpr int kVocabulary = 51865;
constexpr int kTextTokens = 50257;  // the rest, languages and time stamps, libwhisper names itself
constexpr int kEnd = 50257;
constexpr int kWidth = 128;
constexpr int kHeads = 2;
constexpr int kMels = 80;
constexpr int kBins = 201;

class Writer {
public:
    explicit Writer(const std::filesystem::path& path) : file_(path, std::ios::binary) {}

    void numbers(std::initializer_list<std::int32_t> values) {
        for (const std::int32_t value : values) raw(&value, sizeof(value));
    }
    void text(std::string_view text) {
        numbers({static_cast<std::int32_t>(text.size())});
        raw(text.data(), text.size());
    }
    void filters() {
        const std::vector<float> filter(kMels * kBins, 1.0F / kBins);
        raw(filter.data(), filter.size() * sizeof(float));
    }

    /// `shape` slowest axis first. Matrices and convolutions are F16, as in published files.
    void weights(const std::string& name, std::vector<int> shape, int row_of_end = -1) {
        std::vector<std::uint16_t> halves(header(name, shape, 1));
        for (std::uint16_t& half : halves) {
            // Between 2^-6 and 2^-5, of either sign: IEEE 754 half precision has five bits of
            // exponent, biased by 15.
            const std::uint32_t bits = random_();
            half =
                static_cast<std::uint16_t>((bits & 0x8000U) | (9U << 10) | (bits >> 16 & 0x3FFU));
        }
        if (row_of_end >= 0) {
            for (std::size_t i = 0; i < kWidth; ++i) {
                halves[static_cast<std::size_t>(row_of_end) * kWidth + i] =
                    static_cast<std::uint16_t>((i % 2 == 0 ? 0U : 0x8000U) | (10U << 10));
            }
        }
        raw(halves.data(), halves.size() * sizeof(std::uint16_t));
    }
    /// Turns, position by position, into the direction of the token that ends a text: it is written
    /// after a few.
    void positions(const std::string& name, int count) {
        header(name, {count, kWidth}, 0);
        for (int position = 0; position < count; ++position) {
            for (int i = 0; i < kWidth; ++i) {
                const float value =
                    0.02F * static_cast<float>(position) * (i % 2 == 0 ? 1.0F : -1.0F);
                raw(&value, sizeof(value));
            }
        }
    }
    void constant(const std::string& name, std::vector<int> shape, float value) {
        const std::vector<float> values(header(name, shape, 0), value);
        raw(values.data(), values.size() * sizeof(float));
    }
    void linear(const std::string& name, int to, int from) {
        weights(name + ".weight", {to, from});
        constant(name + ".bias", {to}, 0.01F);
    }
    void norm(const std::string& name) {
        constant(name + ".weight", {kWidth}, 1);
        constant(name + ".bias", {kWidth}, 0);
    }
    void attention(const std::string& name) {
        linear(name + ".query", kWidth, kWidth);
        weights(name + ".key.weight", {kWidth, kWidth});
        linear(name + ".value", kWidth, kWidth);
        linear(name + ".out", kWidth, kWidth);
        norm(name + "_ln");
    }
    void close() {
        file_.close();
        if (!file_) throw std::runtime_error("the tiny model could not be written");
    }

private:
    void raw(const void* data, std::size_t size) {
        file_.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
    }
    std::size_t header(const std::string& name, const std::vector<int>& shape, int type) {
        numbers({static_cast<int>(shape.size()), static_cast<int>(name.size()), type});
        std::size_t size = 1;
        for (std::size_t i = shape.size(); i-- > 0;) {
            numbers({shape[i]});
            size *= static_cast<std::size_t>(shape[i]);
        }
        raw(name.data(), name.size());
        return size;
    }

    std::ofstream file_;
    std::mt19937 random_;
};

}  // namespace

void write_tiny_whisper(const std::filesystem::path& path) {
    Writer file(path);
    file.numbers(
        {0x67676D6C, kVocabulary, 1500, kWidth, kHeads, 1, 448, kWidth, kHeads, 1, kMels, 1});
    file.numbers({kMels, kBins});
    file.filters();
    file.numbers({kTextTokens});
    for (int token = 0; token < kTextTokens; ++token) {
        // Bytes first, as in the real vocabulary: what it writes need not be valid UTF-8.
        file.text(token < 256 ? std::string(1, static_cast<char>(token))
                              : " w" + std::to_string(token));
    }

    file.constant("encoder.positional_embedding", {1500, kWidth}, 0.1F);
    file.weights("encoder.conv1.weight", {kWidth, kMels, 3});
    file.constant("encoder.conv1.bias", {kWidth, 1}, 0);
    file.weights("encoder.conv2.weight", {kWidth, kWidth, 3});
    file.constant("encoder.conv2.bias", {kWidth, 1}, 0);
    file.norm("encoder.ln_post");
    file.positions("decoder.positional_embedding", 448);
    file.weights("decoder.token_embedding.weight", {kVocabulary, kWidth}, kEnd);
    file.norm("decoder.ln");
    for (const std::string side : {"encoder", "decoder"}) {
        const std::string block = side + ".blocks.0";
        file.attention(block + ".attn");
        if (side == "decoder") file.attention(block + ".cross_attn");
        file.linear(block + ".mlp.0", 4 * kWidth, kWidth);
        file.linear(block + ".mlp.2", kWidth, 4 * kWidth);
        file.norm(block + ".mlp_ln");
    }
    file.close();
}

}  // namespace titans::hearing::whisper
