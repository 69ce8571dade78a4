#include "hearing/ctc/ctc_config.h"

#include <algorithm>
#include <format>
#include <string_view>

namespace titans::hearing::ctc {
namespace {

constexpr std::int64_t kMostFieldSamples = 1 << 20;

/// Reads keys of one architecture; remembers the first mistake.
class Reader {
public:
    Reader(const engine::GgufFile& file, std::string prefix)
        : file_(file), prefix_(std::move(prefix)) {}

    int integer(std::string_view key, std::int64_t least, std::int64_t most) {
        return static_cast<int>(bounded(key, take(file_.integer(name(key))), least, most));
    }

    std::vector<int> integers(std::string_view key, std::int64_t most) {
        std::vector<int> values;
        for (const std::int64_t value : take(file_.integers(name(key))))
            values.push_back(static_cast<int>(bounded(key, value, 1, most)));
        if (values.empty() || values.size() > 16) refuse(key, "has a length that is not supported");
        return values;
    }

    double real(std::string_view key) { return take(file_.real(name(key))); }
    bool flag(std::string_view key) { return take(file_.flag(name(key))); }
    bool flag(std::string_view key, bool otherwise) {
        return file_.has(name(key)) ? flag(key) : otherwise;
    }

    std::string word(std::string_view key, std::initializer_list<std::string_view> known) {
        std::string value = take(file_.text(name(key)));
        if (std::ranges::find(known, value) == known.end())
            refuse(key, std::format("is \"{}\", which is not supported", value));
        return value;
    }

    void refuse(std::string_view key, std::string_view why) {
        if (!mistake_) {
            mistake_ = Error{ErrorKind::Unsupported,
                             std::format("the model file's {} {}", name(key), why)};
        }
    }

    const std::optional<Error>& mistake() const { return mistake_; }

private:
    std::string name(std::string_view key) const { return std::format("{}.{}", prefix_, key); }

    template <typename T>
    T take(Result<T> value) {
        if (value) return *std::move(value);
        if (!mistake_) mistake_ = std::move(value).error();
        return {};
    }

    std::int64_t bounded(std::string_view key, std::int64_t value, std::int64_t least,
                         std::int64_t most) {
        if (value >= least && value <= most) return value;
        refuse(key, std::format("is {}, which is not supported", value));
        return least;
    }

    const engine::GgufFile& file_;
    std::string prefix_;
    std::optional<Error> mistake_;
};

}  // namespace

std::int64_t CtcConfig::stride() const {
    std::int64_t product = 1;
    for (const Convolution& convolution : convolutions) product *= convolution.stride;
    return product;
}

std::int64_t CtcConfig::receptive_field() const {
    std::int64_t field = 1;
    std::int64_t step = 1;
    for (const Convolution& convolution : convolutions) {
        field += (convolution.kernel - 1) * step;
        step *= convolution.stride;
    }
    return field;
}

std::int64_t CtcConfig::frames(std::int64_t samples) const {
    for (const Convolution& convolution : convolutions) {
        if (samples < convolution.kernel) return 0;
        samples = (samples - convolution.kernel) / convolution.stride + 1;
    }
    return samples;
}

Result<CtcConfig> read_ctc_config(const engine::GgufFile& file, const std::string& architecture) {
    TITANS_TRY(const std::string found, file.text("general.architecture"));
    if (found != architecture) {
        return fail(ErrorKind::Unsupported,
                    std::format("the model file is of {}, not of {}", found, architecture));
    }
    Reader reader(file, architecture);
    CtcConfig config;
    const auto widths = reader.integers("conv_dim", 1 << 14);
    const auto kernels = reader.integers("conv_kernel", 256);
    const auto strides = reader.integers("conv_stride", 256);
    if (kernels.size() != widths.size()) reader.refuse("conv_kernel", "is not as long as conv_dim");
    if (strides.size() != widths.size()) reader.refuse("conv_stride", "is not as long as conv_dim");
    config.conv_bias = reader.flag("conv_bias");
    config.normalizes_each_conv = reader.word("feat_extract_norm", {"group", "layer"}) == "layer";
    config.normalizes_features = reader.flag("feat_proj_layer_norm", true);
    reader.word("feat_extract_activation", {"gelu"});
    reader.word("hidden_act", {"gelu"});
    if (reader.flag("add_adapter", false)) reader.refuse("add_adapter", "is not supported");
    if (reader.flag("conv_pos_batch_norm", false))
        reader.refuse("conv_pos_batch_norm", "is not supported");
    config.width = reader.integer("hidden_size", 1, 1 << 14);
    config.layers = reader.integer("num_hidden_layers", 1, 128);
    config.heads = reader.integer("num_attention_heads", 1, 256);
    config.feed_forward = reader.integer("intermediate_size", 1, 1 << 16);
    config.norm_epsilon = static_cast<float>(reader.real("layer_norm_eps"));
    if (!(config.norm_epsilon > 0 && config.norm_epsilon < 1))
        reader.refuse("layer_norm_eps", "is not between 0 and 1");
    config.position_kernel = reader.integer("num_conv_pos_embeddings", 1, 1024);
    config.position_groups = reader.integer("num_conv_pos_embedding_groups", 1, 256);
    config.normalizes_first = reader.flag("do_stable_layer_norm");
    config.normalizes_samples = reader.flag("preprocessor.do_normalize", true);
    config.sampling_rate = reader.integer("preprocessor.sampling_rate", 8000, 48000);
    config.vocabulary = reader.integer("vocab_size", 2, 1 << 20);
    if (config.width % config.heads != 0)
        reader.refuse("num_attention_heads", "does not divide hidden_size");
    if (config.width % config.position_groups != 0)
        reader.refuse("num_conv_pos_embedding_groups", "does not divide hidden_size");
    if (reader.mistake()) return std::unexpected(*reader.mistake());

    std::int64_t step = 1;
    for (std::size_t i = 0; i < widths.size(); ++i) {
        step *= strides[i];
        if (step > kMostFieldSamples) {
            return fail(
                ErrorKind::Unsupported,
                std::format("the model file's {}.conv_stride is not supported", architecture));
        }
        config.convolutions.push_back({widths[i], kernels[i], strides[i]});
    }
    return config;
}

}  // namespace titans::hearing::ctc
