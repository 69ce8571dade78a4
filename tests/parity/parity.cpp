// titans-parity FAMILY MODEL STAGES.safetensors [--precision f32|bf16|int8]
//     [--arithmetic ours|ggml|gpu] [--threads N] [--vocoder MODEL] [--relative X] [--cosine X]
//     [--argmax X] [--at STAGE]
//
// Gives our network what the reference was given (STAGES, of tools/reference/) and prints how far
// each of its stages is from the reference's. MODEL: a GGUF file, or a folder as the hub has it,
// which is converted first; --vocoder: the same of what F5-TTS speaks with. Fails if a stage is
// missing, or differs more than allowed: relative error above --relative, cosine below --cosine;
// the part of the rows (frames) of "logits" with the same largest value below --argmax. --at: the
// first two hold for this stage only. Of rows with another largest value it says by how much, at
// most, the reference prefers its own.

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <map>
#include <print>
#include <string>

#include "checkpoint/convert.h"
#include "checkpoint/safetensors.h"
#include "engine/layers/device.h"
#include "families.h"

namespace titans::parity {
namespace {

namespace fs = std::filesystem;

struct Arguments {
    std::string family;
    fs::path model;
    fs::path stages;
    fs::path vocoder;  // or empty
    engine::Precision precision = engine::Precision::F32;
    engine::Device::Options device{.threads = 2};
    double relative = HUGE_VAL;
    double cosine = -1;
    double argmax = 0;
    std::string at;  // empty: every stage
};

struct Difference {
    double absolute = 0;    // the largest
    double root_mean = 0;   // of the squares
    double relative = 0;    // length of the difference by length of the reference's
    double cosine = 0;      // between ours and the reference's
    double norm_ratio = 0;  // length of ours by length of the reference's
};

Difference compare(std::span<const float> ours, std::span<const float> wanted) {
    Difference difference;
    double errors = 0;
    double product = 0;
    double our_square = 0;
    double their_square = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const double a = ours[i];
        const double b = wanted[i];
        difference.absolute = std::max(difference.absolute, std::abs(a - b));
        errors += (a - b) * (a - b);
        product += a * b;
        our_square += a * a;
        their_square += b * b;
    }
    difference.root_mean = std::sqrt(errors / static_cast<double>(wanted.size()));
    difference.relative = std::sqrt(errors / their_square);
    difference.cosine = product / std::sqrt(our_square * their_square);
    difference.norm_ratio = std::sqrt(our_square / their_square);
    return difference;
}

struct Agreement {
    double share = 0;   // of the rows whose largest value stands at the same place
    double margin = 0;  // of the others: by how much, at most, the reference prefers its own
};

Agreement compare_choices(std::span<const float> ours, std::span<const float> wanted,
                          std::size_t width) {
    Agreement agreement;
    std::size_t same = 0;
    for (std::size_t row = 0; row < wanted.size(); row += width) {
        const auto best = [&](std::span<const float> values) {
            const auto part = values.subspan(row, width);
            return static_cast<std::size_t>(std::ranges::max_element(part) - part.begin());
        };
        const double margin = double{wanted[row + best(wanted)]} - wanted[row + best(ours)];
        if (best(ours) == best(wanted)) ++same;
        agreement.margin = std::max(agreement.margin, margin);
    }
    agreement.share = static_cast<double>(same * width) / static_cast<double>(wanted.size());
    return agreement;
}

/// A folder that goes with this object.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string path = fs::temp_directory_path() / "titans-parity-XXXXXX";
        if (::mkdtemp(path.data()) != nullptr) path_ = path;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

Result<Arguments> parse(std::span<char*> words) {
    Arguments arguments;
    std::vector<std::string> places;
    const auto bad = [](std::string_view word) {
        return fail(ErrorKind::InvalidInput, std::format("what is {}?", word));
    };
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string word = words[i];
        if (!word.starts_with("--")) {
            places.push_back(word);
            continue;
        }
        if (++i == words.size()) return fail(ErrorKind::InvalidInput, word + ": of what?");
        const std::string value = words[i];
        if (word == "--precision") {
            const std::map<std::string, engine::Precision> known{{"f32", engine::Precision::F32},
                                                                 {"bf16", engine::Precision::Bf16},
                                                                 {"int8", engine::Precision::Int8}};
            if (!known.contains(value)) return bad(value);
            arguments.precision = known.at(value);
        } else if (word == "--arithmetic") {
            if (value != "ours" && value != "ggml" && value != "gpu") return bad(value);
            if (value == "gpu") arguments.device.gpu = 0;
            arguments.device.arithmetic = value == "ours" ? engine::Device::Arithmetic::Ours
                                                          : engine::Device::Arithmetic::Ggml;
        } else if (word == "--threads") {
            arguments.device.threads = std::max(1, std::atoi(value.c_str()));
        } else if (word == "--vocoder") {
            arguments.vocoder = value;
        } else if (word == "--at") {
            arguments.at = value;
        } else {
            double* const limit = word == "--relative" ? &arguments.relative
                                  : word == "--cosine" ? &arguments.cosine
                                  : word == "--argmax" ? &arguments.argmax
                                                       : nullptr;
            if (limit == nullptr) return bad(word);
            char* end = nullptr;
            *limit = std::strtod(value.c_str(), &end);
            if (end == value.c_str() || *end != '\0') return bad(value);
        }
    }
    if (places.size() != 3)
        return fail(ErrorKind::InvalidInput, "usage: titans-parity FAMILY MODEL STAGES ...");
    arguments.family = places[0];
    arguments.model = places[1];
    arguments.stages = places[2];
    return arguments;
}

/// Prints the differences. Returns whether all are within what is allowed.
Result<bool> compare_stages(const std::vector<Stage>& ours, const checkpoint::Tensors& reference,
                            const Family& family, const Arguments& arguments) {
    bool passed = true;
    const auto reproach = [&passed](std::string_view stage, std::string_view what) {
        std::println("{}: {}", stage, what);
        passed = false;
    };
    std::println("{:28} {:>8} {:>9} {:>9} {:>9} {:>11} {:>11} {:>8}", "stage", "values", "max abs",
                 "rms", "relative", "cosine", "norm ratio", "argmax");
    std::size_t judged = 0;
    for (const Stage& stage : ours) {
        if (!reference.contains(stage.name)) continue;
        TITANS_TRY(const checkpoint::TensorView view, reference.tensor(stage.name));
        TITANS_TRY(const std::vector<float> wanted, checkpoint::to_f32(view));
        if (stage.values.size() != wanted.size()) {
            reproach(stage.name,
                     std::format("{} values instead of {}", stage.values.size(), wanted.size()));
            continue;
        }
        const Difference difference = compare(stage.values, wanted);
        std::string argmax;
        if (stage.name == "logits") {
            const Agreement agreement =
                compare_choices(stage.values, wanted, static_cast<std::size_t>(view.shape.back()));
            argmax = std::format("{:.2f} %", 100 * agreement.share);
            if (agreement.share < 1) argmax += std::format(", else by {:.3f}", agreement.margin);
            if (!(agreement.share >= arguments.argmax))
                reproach(stage.name, "too few rows say the same");
        }
        std::println("{:28} {:>8} {:>9.2e} {:>9.2e} {:>9.2e} {:>11.8f} {:>11.8f} {:>8}", stage.name,
                     wanted.size(), difference.absolute, difference.root_mean, difference.relative,
                     difference.cosine, difference.norm_ratio, argmax);
        if (!arguments.at.empty() && stage.name != arguments.at) continue;
        ++judged;
        if (!(difference.relative <= arguments.relative))
            reproach(stage.name, "the relative error is too large");
        if (!(difference.cosine >= arguments.cosine))
            reproach(stage.name, "the cosine is too small");
    }
    for (const std::string_view name : reference.names()) {
        if (std::ranges::find(ours, name, &Stage::name) == ours.end() &&
            std::ranges::find(family.beyond, name) == family.beyond.end()) {
            reproach(name, "we have no such stage");
        }
    }
    if (judged == 0) reproach(arguments.at, "no such stage was compared");
    return passed;
}

/// The GGUF file of a model, which a folder is converted to.
Result<fs::path> converted(const fs::path& model, std::string_view conversion,
                           const fs::path& output) {
    if (!fs::is_directory(model)) return model;
    TITANS_TRY_VOID(checkpoint::convert(*checkpoint::find_conversion(conversion), model, output));
    return output;
}

Result<bool> run(const Arguments& arguments) {
    const auto family = std::ranges::find(families(), arguments.family, &Family::name);
    if (family == families().end())
        return fail(ErrorKind::InvalidInput, arguments.family + ": no such family");
    TITANS_TRY(const auto stages, checkpoint::SafetensorsFile::open(arguments.stages));
    const TemporaryFolder folder;
    TITANS_TRY(const fs::path model,
               converted(arguments.model, family->conversion, folder.path() / "model.gguf"));
    TITANS_TRY(const fs::path vocoder,
               converted(arguments.vocoder, "vocos", folder.path() / "vocoder.gguf"));
    TITANS_TRY(auto device, engine::Device::open(arguments.device));
    TITANS_TRY(const auto ours,
               family->compute({.model = model,
                                .vocoder = vocoder,
                                .reference = stages.tensors(),
                                .compute = {std::move(device), arguments.precision}}));
    return compare_stages(ours, stages.tensors(), *family, arguments);
}

}  // namespace
}  // namespace titans::parity

int main(int count, char** words) {
    using namespace titans;
    const auto arguments = parity::parse(std::span(words, static_cast<std::size_t>(count)));
    if (!arguments) {
        std::println(stderr, "{}", arguments.error().message);
        return 2;
    }
    const auto passed = parity::run(*arguments);
    if (!passed) {
        std::println(stderr, "{} {}", passed.error().message, passed.error().detail);
        return 2;
    }
    return *passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
