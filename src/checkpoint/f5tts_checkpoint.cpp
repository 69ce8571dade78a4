#include "checkpoint/f5tts_checkpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/output_file.h"
#include "checkpoint/vocabulary.h"

namespace titans::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kVocabulary = "vocab.txt";
constexpr int kHeadSize = 64;
constexpr int kPositionGroups = 16;
constexpr int kPositionKernel = 31;
constexpr int kTextKernel = 7;
constexpr int kTimeChannels = 256;

// Where the network's tensors stand in a file, the averaged weights first.
constexpr std::array<std::string_view, 4> kPrefixes{
    "ema_model.transformer.", "ema_model_state_dict.ema_model.transformer.",
    "model_state_dict.transformer.", "transformer."};

// Of the network, and computed from its sizes.
constexpr std::array<std::string_view, 2> kUnused{"rotary_embed.inv_freq", "text_embed.freqs_cis"};

/// The one file of weights in `folder`.
Result<Checkpoint> open_weights(const fs::path& folder) {
    for (const std::string_view ending : {".safetensors", ".pt"}) {
        std::vector<fs::path> files;
        std::error_code failed;
        for (const auto& entry : fs::directory_iterator(folder, failed)) {
            if (entry.path().extension() == ending) files.push_back(entry.path());
        }
        if (files.size() > 1) {
            std::ranges::sort(files);
            const auto is_named = [](const fs::path& file) {
                return file.filename().string().starts_with("model_");
            };
            if (std::ranges::count_if(files, is_named) != 1) {
                return fail(ErrorKind::InvalidInput, std::format("{} and {}: which one is meant?",
                                                                 files.front().filename().string(),
                                                                 files.back().filename().string()));
            }
            std::erase_if(files, std::not_fn(is_named));
        }
        if (files.empty()) continue;
        return ending == ".pt" ? Checkpoint::open_pytorch(files[0])
                               : Checkpoint::open_safetensors(files[0]);
    }
    return fail(ErrorKind::NotFound, "model_*.safetensors: is missing");
}

/// Reads the shapes that the sizes follow from. The first mistake is remembered.
class Sizes {
public:
    Sizes(const Tensors& source, std::string_view prefix) : source_(source), prefix_(prefix) {}

    /// Axis `axis` of a tensor of `axes` axes, in `least` to `most`.
    int axis(std::string_view name, std::size_t axis, std::size_t axes, int least, int most) {
        const auto tensor = source_.tensor(std::string(prefix_) + std::string(name));
        if (!tensor) return refuse(tensor.error());
        if (tensor->shape.size() != axes || tensor->shape[axis] < least ||
            tensor->shape[axis] > most) {
            return refuse({ErrorKind::InvalidInput,
                           std::format("tensor {}: its shape {} is not of F5-TTS", tensor->name,
                                       to_string(tensor->shape)),
                           {}});
        }
        return static_cast<int>(tensor->shape[axis]);
    }

    /// How many numbers follow `list` in names: one more than the highest, 1 to `most`.
    int count(std::string_view list, int most) {
        const std::string begin = std::string(prefix_) + std::string(list);
        int count = 0;
        for (std::string_view name : source_.names()) {
            if (!name.starts_with(begin)) continue;
            name.remove_prefix(begin.size());
            int number = 0;
            const auto [end, error] =
                std::from_chars(name.data(), name.data() + name.size(), number);
            const bool fits = error == std::errc() && number >= 0 && number < most &&
                              end != name.data() + name.size() && *end == '.';
            if (!fits) {
                return refuse({ErrorKind::Unsupported,
                               std::format("tensor {}{}: has more than {} blocks, or none", begin,
                                           name, most),
                               {}});
            }
            count = std::max(count, number + 1);
        }
        if (count == 0)
            return refuse(
                {ErrorKind::InvalidInput, std::format("tensor {}0: is missing", begin), {}});
        return count;
    }

    const Result<void>& result() const { return result_; }

private:
    int refuse(Error error) {
        if (result_) result_ = std::unexpected(std::move(error));
        return 1;
    }

    const Tensors& source_;
    std::string_view prefix_;
    Result<void> result_;
};

Result<F5ttsSizes> read_sizes(const Tensors& source, std::string_view prefix) {
    Sizes sizes(source, prefix);
    F5ttsSizes read;
    read.dim = sizes.axis("time_embed.time_mlp.2.weight", 0, 2, kHeadSize, 1 << 13);
    read.depth = sizes.count("transformer_blocks.", 96);
    const int inner = sizes.axis("transformer_blocks.0.ff.ff.0.0.weight", 0, 2, 1, 1 << 16);
    read.text_dim = sizes.axis("text_embed.text_embed.weight", 1, 2, 2, 1 << 13);
    read.text_num_embeds = sizes.axis("text_embed.text_embed.weight", 0, 2, 2, 1 << 20) - 1;
    read.conv_layers = sizes.count("text_embed.text_blocks.", 32);
    read.mel_dim = sizes.axis("proj_out.weight", 0, 2, 1, 1024);
    TITANS_TRY_VOID(sizes.result());
    read.ff_mult = inner / read.dim;
    if (read.dim % kHeadSize != 0 || inner % read.dim != 0 || read.text_dim % 2 != 0) {
        return fail(ErrorKind::Unsupported,
                    std::format("the network's width {}, its feed-forward {} and its text's {} do "
                                "not go together",
                                read.dim, inner, read.text_dim));
    }
    return read;
}

void describe(const F5ttsSizes& sizes, F5ttsVariant variant, ModelFile& out) {
    for (const auto& [key, value] :
         {std::pair{"dim", sizes.dim}, std::pair{"depth", sizes.depth},
          std::pair{"heads", sizes.dim / kHeadSize}, std::pair{"ff_mult", sizes.ff_mult},
          std::pair{"text_dim", sizes.text_dim}, std::pair{"conv_layers", sizes.conv_layers},
          std::pair{"mel_dim", sizes.mel_dim}, std::pair{"text_num_embeds", sizes.text_num_embeds},
          std::pair{"pe_attn_head", variant == F5ttsVariant::Base ? 1 : 0}}) {
        out.set(std::format("f5tts.{}", key), static_cast<std::uint32_t>(value));
    }
    out.set("f5tts.text_mask_padding", variant == F5ttsVariant::V1Base);
}

Result<void> read_tokens(const fs::path& folder, const F5ttsSizes& sizes, ModelFile& out) {
    TITANS_TRY(std::vector<std::string> tokens, read_vocabulary(folder / kVocabulary));
    for (std::string& token : tokens) {
        if (token.ends_with('\r')) token.pop_back();
    }
    if (std::cmp_not_equal(tokens.size(), sizes.text_num_embeds)) {
        return fail(ErrorKind::InvalidInput,
                    std::format("{}: has {} lines, and the network has {} tokens", kVocabulary,
                                tokens.size(), sizes.text_num_embeds));
    }
    return out.set("tokenizer.tokens", tokens);
}

}  // namespace

std::vector<NeededTensor> f5tts_tensors(const F5ttsSizes& sizes) {
    std::vector<NeededTensor> list;
    const std::int64_t dim = sizes.dim;
    const std::int64_t text = sizes.text_dim;
    const std::int64_t text_inner = 2 * text;
    const std::int64_t inner = dim * sizes.ff_mult;
    const auto pair = [&](const std::string& name, Shape shape) {
        const std::int64_t rows = shape[0];
        list.push_back({name + ".weight", std::move(shape)});
        list.push_back({name + ".bias", {rows}});
    };
    pair("time_embed.time_mlp.0", {dim, kTimeChannels});
    pair("time_embed.time_mlp.2", {dim, dim});
    list.push_back({"text_embed.text_embed.weight", {sizes.text_num_embeds + 1, text}});
    for (int i = 0; i < sizes.conv_layers; ++i) {
        const std::string block = std::format("text_embed.text_blocks.{}.", i);
        pair(block + "dwconv", {text, 1, kTextKernel});
        pair(block + "norm", {text});
        pair(block + "pwconv1", {text_inner, text});
        list.push_back({block + "grn.gamma", {1, 1, text_inner}});
        list.push_back({block + "grn.beta", {1, 1, text_inner}});
        pair(block + "pwconv2", {text, text_inner});
    }
    pair("input_embed.proj", {dim, 2 * sizes.mel_dim + text});
    for (const std::string_view place : {"0", "2"}) {
        pair(std::format("input_embed.conv_pos_embed.conv1d.{}", place),
             {dim, dim / kPositionGroups, kPositionKernel});
    }
    for (int i = 0; i < sizes.depth; ++i) {
        const std::string block = std::format("transformer_blocks.{}.", i);
        pair(block + "attn_norm.linear", {6 * dim, dim});
        for (const std::string_view part : {"to_q", "to_k", "to_v", "to_out.0"})
            pair(std::format("{}attn.{}", block, part), {dim, dim});
        pair(block + "ff.ff.0.0", {inner, dim});
        pair(block + "ff.ff.2", {dim, inner});
    }
    pair("norm_out.linear", {2 * dim, dim});
    pair("proj_out", {sizes.mel_dim, dim});
    return list;
}

Result<void> convert_f5tts(F5ttsVariant variant, const fs::path& folder, const fs::path& output) {
    TITANS_TRY(const Checkpoint checkpoint, open_weights(folder));
    const Tensors& source = checkpoint.tensors();
    const auto* const prefix = std::ranges::find_if(kPrefixes, [&](std::string_view each) {
        return source.contains(std::string(each) + "time_embed.time_mlp.0.weight");
    });
    if (prefix == kPrefixes.end())
        return fail(ErrorKind::Unsupported, "the checkpoint is not of F5-TTS");

    TITANS_TRY(const F5ttsSizes sizes, read_sizes(source, *prefix));
    ModelFile out("f5tts");
    describe(sizes, variant, out);
    TITANS_TRY_VOID(read_tokens(folder, sizes, out));
    TensorPicker picker(source, out);
    for (const NeededTensor& needed : f5tts_tensors(sizes))
        TITANS_TRY_VOID(picker.copy(needed, std::string(*prefix) + needed.name));
    // The rest of the file is the training's.
    TITANS_TRY_VOID(picker.expect_no_more(kUnused, *prefix));
    out.set("titans.source_sha256", checkpoint.source_sha256());
    TITANS_TRY(OutputFile file, OutputFile::create(output));
    TITANS_TRY_VOID(out.write(file.stream()));
    return file.commit();
}

}  // namespace titans::checkpoint
