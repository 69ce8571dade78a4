#include "knowledge/openai_embedder.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "net/api_call.h"
#include "text/utf8.h"

namespace titans::knowledge {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxTexts = 64;
constexpr std::size_t kMaxTextBytes = 8'000;  // never more tokens than the usual 8,191
constexpr std::size_t kMaxBatchBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxDimension = 8'192;
constexpr int kMaxDepth = 16;

std::string request_body(const std::string& model, std::span<const std::string_view> texts) {
    json request{{"model", model}, {"input", json::array()}};
    for (const std::string_view text : texts) request["input"].push_back(text);
    return request.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

/// Of length 1. Nothing if `numbers` are not finite ones, or have no direction.
std::optional<Embedding> read_vector(const json& numbers) {
    if (!numbers.is_array() || numbers.empty() || numbers.size() > kMaxDimension) return {};
    double squares = 0;
    for (const json& number : numbers) {
        if (!number.is_number()) return {};
        squares += number.get<double>() * number.get<double>();
    }
    const double length = std::sqrt(squares);
    if (!std::isfinite(length) || length == 0) return {};
    Embedding vector;
    vector.reserve(numbers.size());
    for (const json& number : numbers)
        vector.push_back(static_cast<float>(number.get<double>() / length));
    return vector;
}

/// The vectors of {"data": [{"index": 0, "embedding": [...]}, ...]}, `count` of them in the order
/// of their indices; nothing if they are not that.
std::optional<std::vector<Embedding>> read_vectors(const std::string& body, std::size_t count) {
    bool deep = false;
    const json::parser_callback_t bounded = [&](int depth, json::parse_event_t, const json&) {
        deep = deep || depth > kMaxDepth;
        return !deep;
    };
    const json answer = json::parse(body, bounded, /*allow_exceptions=*/false);
    if (deep || !answer.is_object()) return {};
    const auto data = answer.find("data");
    if (data == answer.end() || !data->is_array() || data->size() != count) return {};
    std::vector<Embedding> vectors(count);
    for (const json& entry : *data) {
        if (!entry.is_object()) return {};
        const auto index = entry.find("index");
        const auto numbers = entry.find("embedding");
        if (index == entry.end() || !index->is_number_unsigned() || numbers == entry.end())
            return {};
        const auto at = index->get<std::uint64_t>();
        if (at >= count || !vectors[at].empty()) return {};
        auto vector = read_vector(*numbers);
        if (!vector) return {};
        vectors[at] = *std::move(vector);
    }
    return vectors;
}

}  // namespace

Result<std::vector<Embedding>> OpenAiEmbedder::embed(std::span<const std::string> texts,
                                                     TextRole /*role*/, std::stop_token stop) {
    net::ApiCall call{.field = "EMBEDDING_MODEL",
                      .base_url = options_.base_url,
                      .path = "/embeddings",
                      .key = options_.api_key,
                      .first_pause = options_.first_pause};
    std::vector<Embedding> embeddings;
    embeddings.reserve(texts.size());
    while (embeddings.size() < texts.size()) {
        std::vector<std::string_view> batch;
        std::size_t bytes = 0;
        for (const std::string& text : texts.subspan(embeddings.size())) {
            std::string_view start = text::truncate(text, kMaxTextBytes);
            if (text::trim(start).empty()) start = ".";  // APIs refuse an empty text
            if (batch.size() == kMaxTexts ||
                (!batch.empty() && bytes + start.size() > kMaxBatchBytes))
                break;
            batch.push_back(start);
            bytes += start.size();
        }
        call.body = request_body(options_.model, batch);
        TITANS_TRY(const net::HttpResponse response, net::call_api(client_, call, {}, stop));
        if (response.status / 100 != 2) return std::unexpected(net::answer_error(call, response));
        auto vectors = read_vectors(response.body, batch.size());
        if (!vectors)
            return std::unexpected(net::api_error(call, "sent what are not the vectors asked for"));
        std::ranges::move(*vectors, std::back_inserter(embeddings));
    }
    const bool alike = std::ranges::all_of(embeddings, [&](const Embedding& embedding) {
        return embedding.size() == embeddings.front().size();
    });
    if (!alike)
        return std::unexpected(net::api_error(call, "sent vectors of different dimensions"));
    return embeddings;
}

}  // namespace titans::knowledge
