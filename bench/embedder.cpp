// Passages a second of the embedder, and how long one question takes: embedder MODEL.gguf
// [f32|bf16|int8] [THREADS] Prints JSON.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <format>
#include <print>
#include <string>
#include <vector>

#include "engine/layers/device.h"
#include "knowledge/bert/bert_embedder.h"

namespace {

using namespace titans;

constexpr int kPassages = 1'000;
constexpr int kWords = 126;  // one token each: 128 with those around them
constexpr int kQuestions = 200;
constexpr int kAtOnce = 32;  // as the embedding worker asks

/// Common words, which the models know whole.
constexpr std::string_view kText =
    "the sea is grey and the light of the house goes over the water each night when no ship may "
    "come near the old stone wall";

std::string words(int count, int first) {
    std::vector<std::string_view> all;
    for (std::size_t start = 0; start < kText.size();) {
        const std::size_t end = std::min(kText.find(' ', start), kText.size());
        all.push_back(kText.substr(start, end - start));
        start = end + 1;
    }
    std::string text;
    for (int i = 0; i < count; ++i) {
        text += all[static_cast<std::size_t>(first + i * (1 + first % 7)) % all.size()];
        text += ' ';
    }
    return text;
}

double seconds_of(const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int complain(const Error& error) {
    std::println(stderr, "{} {}", error.message, error.detail);
    return 1;
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2) return 2;
    const std::string word = count > 2 ? arguments[2] : "f32";
    const int threads = count > 3 ? std::atoi(arguments[3]) : 2;
    auto device = engine::Device::open({.threads = threads});
    if (!device) return complain(device.error());
    const auto precision = word == "bf16"   ? engine::Precision::Bf16
                           : word == "int8" ? engine::Precision::Int8
                                            : engine::Precision::F32;
    auto embedder = knowledge::bert::BertEmbedder::load(
        arguments[1], "bench",
        {.device = std::shared_ptr<engine::Device>(*std::move(device)), .precision = precision});
    if (!embedder) return complain(embedder.error());

    std::vector<std::string> passages;
    for (int i = 0; i < kPassages; ++i) passages.push_back(words(kWords, i));
    const std::string question = words(12, 3);
    const std::size_t tokens = (*embedder)->tokens(passages.front()).size();
    const auto embed = [&](std::span<const std::string> texts, knowledge::TextRole role) {
        if (auto vectors = (*embedder)->embed(texts, role, {}); !vectors)
            std::exit(complain(vectors.error()));
    };
    const std::span<const std::string> all = passages;
    embed(all.first(kAtOnce), knowledge::TextRole::Passage);
    const double passage_seconds = seconds_of([&] {
        for (int i = 0; i < kPassages; i += kAtOnce) {
            embed(all.subspan(static_cast<std::size_t>(i), std::min(kAtOnce, kPassages - i)),
                  knowledge::TextRole::Passage);
        }
    });
    std::vector<double> questions;
    for (int i = 0; i < kQuestions; ++i) {
        questions.push_back(
            1000 * seconds_of([&] { embed(std::span(&question, 1), knowledge::TextRole::Query); }));
    }
    std::ranges::sort(questions);
    std::println(R"({{"tokens": {}, "passages_per_second": {:.1f}, "question_ms": {:.2f}}})",
                 tokens, kPassages / passage_seconds, questions[questions.size() / 2]);
    return 0;
}
