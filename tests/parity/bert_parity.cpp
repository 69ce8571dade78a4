// bert-parity MODEL FOLDER [--precision f32|bf16|int8] [--arithmetic ours|ggml] [--cosine X]
//
// Gives our embedder the texts in FOLDER/expected.json (of tools/reference/bert.py) and compares
// their tokens, which must be the reference's, and what the network makes of them with
// FOLDER/stages.safetensors. MODEL: a GGUF file, or a folder as the hub has it, which is converted
// first. Fails if a stage is missing or its cosine to the reference's is below --cosine.

#include <stdlib.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <print>
#include <string>

#include "checkpoint/convert.h"
#include "checkpoint/safetensors.h"
#include "knowledge/bert/bert_embedder.h"

namespace titans::parity {
namespace {

namespace fs = std::filesystem;
using knowledge::bert::BertEmbedder;
using knowledge::bert::Network;

struct Arguments {
    fs::path model;
    fs::path folder;
    engine::Precision precision = engine::Precision::F32;
    engine::Device::Options device{.threads = 2};
    double cosine = 0;
};

struct Text {
    std::string text;
    std::vector<std::int32_t> ids;
};

Result<Arguments> parse(std::span<char*> words) {
    const auto usage = [] {
        return fail(
            ErrorKind::InvalidInput,
            "usage: bert-parity MODEL FOLDER [--precision P] [--arithmetic A] [--cosine X]");
    };
    if (words.size() < 3 || words.size() % 2 == 0) return usage();
    Arguments arguments{.model = words[1], .folder = words[2]};
    const std::map<std::string, engine::Precision> precisions{{"f32", engine::Precision::F32},
                                                              {"bf16", engine::Precision::Bf16},
                                                              {"int8", engine::Precision::Int8}};
    const std::map<std::string, engine::Device::Arithmetic> arithmetics{
        {"ours", engine::Device::Arithmetic::Ours}, {"ggml", engine::Device::Arithmetic::Ggml}};
    for (std::size_t i = 3; i < words.size(); i += 2) {
        const std::string word = words[i];
        const std::string value = words[i + 1];
        if (word == "--precision" && precisions.contains(value)) {
            arguments.precision = precisions.at(value);
        } else if (word == "--arithmetic" && arithmetics.contains(value)) {
            arguments.device.arithmetic = arithmetics.at(value);
        } else if (word == "--arithmetic" && value == "gpu") {
            arguments.device.gpu = 0;
        } else if (word == "--cosine") {
            arguments.cosine = std::strtod(value.c_str(), nullptr);
        } else {
            return usage();
        }
    }
    return arguments;
}

/// {"0": {"text": "...", "ids": [...]}, "1": ...}
Result<std::vector<Text>> read_texts(const fs::path& file) {
    std::ifstream in(file);
    const auto json = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
    std::vector<Text> texts;
    for (std::size_t i = 0; json.is_object() && i < json.size(); ++i) {
        const auto& entry = json.at(std::to_string(i));
        texts.push_back({entry.at("text"), entry.at("ids")});
    }
    if (texts.empty()) return fail(ErrorKind::InvalidInput, file.string() + ": has no texts");
    return texts;
}

/// Compares stages with the reference's.
class Judge {
public:
    Judge(const checkpoint::Tensors& reference, double least_cosine)
        : reference_(reference), least_cosine_(least_cosine) {}

    Result<void> judge(const std::string& name, std::span<const float> ours) {
        TITANS_TRY(const checkpoint::TensorView view, reference_.tensor(name));
        TITANS_TRY(const std::vector<float> wanted, checkpoint::to_f32(view));
        ++judged_;
        if (ours.size() != wanted.size()) {
            std::println("{}: {} values instead of {}", name, ours.size(), wanted.size());
            passed_ = false;
            return {};
        }
        double largest = 0;
        double product = 0;
        double squares = 0;
        double wanted_squares = 0;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            largest = std::max(largest, std::abs(double{ours[i]} - wanted[i]));
            product += double{ours[i]} * wanted[i];
            squares += double{ours[i]} * ours[i];
            wanted_squares += double{wanted[i]} * wanted[i];
        }
        const double cosine = product / std::sqrt(squares * wanted_squares);
        const bool good = cosine >= least_cosine_;
        std::println("{:16} max abs {:.2e}  cosine {:.8f}  norm ratio {:.8f}{}", name, largest,
                     cosine, std::sqrt(squares / wanted_squares), good ? "" : "  too far");
        passed_ = passed_ && good;
        return {};
    }
    void reproach(std::string_view what) {
        std::println("{}", what);
        passed_ = false;
    }
    bool passed() const { return passed_ && judged_ > 0; }

private:
    const checkpoint::Tensors& reference_;
    double least_cosine_;
    bool passed_ = true;
    int judged_ = 0;
};

/// The stages on the way of the first text.
Result<void> judge_stages(const Network& network, const std::vector<std::int32_t>& ids,
                          const checkpoint::Tensors& reference, Judge& judge) {
    Network::Nodes nodes;
    std::vector<std::pair<std::string, engine::Node>> told;
    const Network::Shape shape{.texts = 1, .length = static_cast<int>(ids.size())};
    TITANS_TRY(const auto graph,
               engine::Graph::build(network.device(), [&](engine::GraphBuilder& builder) {
                   nodes =
                       network.draw(builder, shape, [&](std::string_view name, engine::Node node) {
                           const std::string stage = std::format("0.{}", name);
                           if (reference.contains(stage))
                               told.emplace_back(stage, builder.output(node));
                       });
               }));
    graph->write(nodes.ids, ids);
    graph->write(nodes.lengths, std::vector{static_cast<std::int32_t>(ids.size())});
    TITANS_TRY_VOID(graph->compute({}));
    if (told.size() < 3) judge.reproach("too few stages were told");
    for (const auto& [name, node] : told) TITANS_TRY_VOID(judge.judge(name, graph->read(node)));
    return {};
}

Result<bool> run(const Arguments& arguments) {
    std::string folder = fs::temp_directory_path() / "bert-parity-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr)
        return fail(ErrorKind::Internal, "there is no place for temporary files");
    const std::shared_ptr<void> removed(nullptr, [&folder](void*) {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    });
    fs::path model = arguments.model;
    if (fs::is_directory(model)) {
        model = fs::path(folder) / "model.gguf";
        TITANS_TRY_VOID(checkpoint::convert(checkpoint::Conversion::Bert, arguments.model, model));
    }
    TITANS_TRY(const auto reference,
               checkpoint::SafetensorsFile::open(arguments.folder / "stages.safetensors"));
    TITANS_TRY(const std::vector<Text> texts, read_texts(arguments.folder / "expected.json"));
    TITANS_TRY(auto device, engine::Device::open(arguments.device));
    TITANS_TRY(const auto embedder,
               BertEmbedder::load(model, "parity", {std::move(device), arguments.precision}));

    Judge judge(reference.tensors(), arguments.cosine);
    std::vector<std::string> all;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        all.push_back(texts[i].text);
        if (embedder->tokens(texts[i].text) != texts[i].ids)
            judge.reproach(std::format("text {}: has other tokens", i));
    }
    TITANS_TRY_VOID(
        judge_stages(embedder->network(), texts.front().ids, reference.tensors(), judge));
    TITANS_TRY(const auto vectors, embedder->embed(all, knowledge::TextRole::Passage, {}));
    for (std::size_t i = 0; i < vectors.size(); ++i)
        TITANS_TRY_VOID(judge.judge(std::format("{}.normalised", i), vectors[i]));
    return judge.passed();
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
