#include "knowledge/documents.h"

#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "text/utf8.h"

namespace titans::knowledge {

namespace {

constexpr std::size_t kMostBytes = 32U << 20;
constexpr std::size_t kMostValues = 1'000'000;  // of a JSON file
constexpr std::size_t kDeepest = 64;
constexpr std::size_t kSmallObject = 900;  // bytes: about what one passage holds
constexpr std::size_t kLongestLabel = 200;

std::unexpected<Error> invalid(std::string_view what) {
    return fail(ErrorKind::InvalidInput, std::format("knowledge_base_file: {}", what));
}

bool ends_with(std::string_view name, std::string_view ending) {
    if (name.size() < ending.size()) return false;
    return std::ranges::equal(name.substr(name.size() - ending.size()), ending, [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
    });
}

/// The text with "\n" for every line end, two of them for a form feed, and no other control
/// characters.
std::string clean(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\r') {
            if (i + 1 == text.size() || text[i + 1] != '\n') out += '\n';
        } else if (c == '\f') {
            out += "\n\n";
        } else if ((c >= 0 && c < ' ' && c != '\n') || c == 0x7f) {
            out += ' ';
        } else {
            out += c;
        }
    }
    return out;
}

/// A short line of its own without a sentence's end.
bool is_heading(std::string_view paragraph) {
    constexpr std::size_t kLongest = 60;  // characters
    constexpr std::array<std::string_view, 9> kEnds{".", "!", "?", ":", ";", "…", "。", "！", "？"};
    return !paragraph.contains('\n') && text::count_code_points(paragraph) <= kLongest &&
           std::ranges::none_of(kEnds,
                                [&](std::string_view end) { return paragraph.ends_with(end); });
}

/// Adds the paragraphs of `text`, which empty lines separate. A heading stays with what it is the
/// heading of.
void add_paragraphs(std::string_view text, std::vector<std::string>& blocks) {
    std::size_t start = 0;  // of the paragraph
    bool under_heading = false;
    const auto add = [&](std::size_t end) {
        if (const std::string_view paragraph = text::trim(text.substr(start, end - start));
            !paragraph.empty()) {
            if (under_heading) {
                blocks.back().append("\n").append(paragraph);
            } else {
                blocks.emplace_back(paragraph);
            }
            under_heading = is_heading(paragraph);
        }
    };
    for (std::size_t line = 0; line < text.size();) {
        const std::size_t end = std::min(text.find('\n', line), text.size());
        if (text::trim(text.substr(line, end - line)).empty()) {
            add(line);
            start = end;
        }
        line = end + 1;
    }
    add(text.size());
}

/// A JSON value, with an object's members in the file's order. (The library keeps them sorted, or
/// in a list that takes quadratic time to read.)
struct Json {
    enum class Kind : std::uint8_t { Scalar, Array, Object };

    Kind kind = Kind::Scalar;
    std::string key;   // within an object
    std::string text;  // of a scalar
    std::vector<Json> items;
};

/// Builds a Json from the library's parser, within bounds.
class JsonReader final : public nlohmann::json_sax<nlohmann::json> {
public:
    Result<Json> read(std::string_view bytes) {
        if (nlohmann::json::sax_parse(bytes, this)) return std::move(root_);
        if (!error_.empty()) return invalid(error_);
        const std::size_t end = std::min(error_position_, bytes.size());
        return invalid(std::format("is not valid JSON (line {})",
                                   1 + std::ranges::count(bytes.substr(0, end), '\n')));
    }

    bool null() override { return add({}) != nullptr; }
    bool boolean(bool value) override { return add({.text = value ? "true" : "false"}) != nullptr; }
    bool number_integer(number_integer_t value) override {
        return add({.text = std::to_string(value)}) != nullptr;
    }
    bool number_unsigned(number_unsigned_t value) override {
        return add({.text = std::to_string(value)}) != nullptr;
    }
    bool number_float(number_float_t, const string_t& text) override {
        return add({.text = text}) != nullptr;
    }
    bool string(string_t& text) override {
        return add({.text = std::string(text::trim(clean(text)))}) != nullptr;
    }
    bool binary(binary_t&) override { return true; }
    bool key(string_t& key) override {
        key_ = std::move(key);
        return true;
    }
    bool start_object(std::size_t) override { return open(Json::Kind::Object); }
    bool start_array(std::size_t) override { return open(Json::Kind::Array); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::json::exception&) override {
        error_position_ = position;
        return false;
    }

private:
    Json* add(Json value) {
        if (++values_ > kMostValues) {
            error_ = std::format("has more than {} values", kMostValues);
            return nullptr;
        }
        value.key = std::exchange(key_, {});
        if (open_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        return &open_.back()->items.emplace_back(std::move(value));
    }
    bool open(Json::Kind kind) {
        if (open_.size() == kDeepest) {
            error_ = std::format("is nested more than {} levels deep", kDeepest);
            return false;
        }
        Json* const value = add({.kind = kind});
        if (value != nullptr) open_.push_back(value);
        return value != nullptr;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    Json root_;
    std::vector<Json*>
        open_;  // the path to where values are added; nothing is added beside it, so it stays valid
    std::string key_;
    std::size_t values_ = 0;
    std::string error_;
    std::size_t error_position_ = 0;
};

/// "birth_date" -> "birth date", so that its words are found.
std::string label_of(std::string_view key) {
    std::string label = clean(text::truncate(key, kLongestLabel));
    std::ranges::replace_if(label, [](char c) { return c == '_' || c == '\n'; }, ' ');
    return std::string(text::trim(label));
}

std::string join(const std::string& path, const std::string& label) {
    if (path.empty() || label.empty()) return path + label;
    return path + ", " + label;
}

void add_line(std::string& lines, const std::string& label, const std::string& text) {
    if (text.empty()) return;
    if (!lines.empty()) lines += '\n';
    if (!label.empty()) lines += label + ": ";
    lines += text;
}

/// "a, b, c" if `value` is a list of scalars.
std::optional<std::string> list_text(const Json& value) {
    if (value.kind != Json::Kind::Array) return std::nullopt;
    std::string list;
    for (const Json& item : value.items) {
        if (item.kind != Json::Kind::Scalar) return std::nullopt;
        if (item.text.empty()) continue;
        // What reads as prose gets its own line.
        if (!list.empty()) list += item.text.size() > 60 ? "\n" : ", ";
        list += item.text;
    }
    return list;
}

/// Writes all of `value` as lines; false when that is more than a small object.
bool write_small(const Json& value, const std::string& label, std::string& lines) {
    if (lines.size() > kSmallObject) return false;
    if (value.kind == Json::Kind::Scalar) {
        add_line(lines, label, value.text);
    } else if (value.kind == Json::Kind::Object) {
        for (const Json& member : value.items) {
            if (!write_small(member, join(label, label_of(member.key)), lines)) return false;
        }
    } else if (const auto list = list_text(value)) {
        add_line(lines, label, *list);
    } else {
        int number = 0;
        for (const Json& item : value.items) {
            if (!write_small(item, std::format("{}{}{}", label, label.empty() ? "" : " ", ++number),
                             lines))
                return false;
        }
    }
    return lines.size() <= kSmallObject;
}

/// Adds the blocks of `value`, which is found at `path` ("planets, Mars").
void add_value(const Json& value, const std::string& path, std::vector<std::string>& blocks) {
    std::string lines;
    if (write_small(value, path, lines)) {
        add_paragraphs(lines, blocks);
        return;
    }
    lines.clear();
    switch (value.kind) {
        case Json::Kind::Scalar:
            add_line(lines, path, value.text);
            add_paragraphs(lines, blocks);
            return;
        case Json::Kind::Array:
            for (const Json& item : value.items) add_value(item, path, blocks);
            return;
        case Json::Kind::Object:
            break;
    }
    // The members that are text stay together, with the place they were found at; the others
    // follow.
    std::vector<const Json*> others;
    for (const Json& member : value.items) {
        if (member.kind == Json::Kind::Scalar) {
            add_line(lines, label_of(member.key), member.text);
        } else if (const auto list = list_text(member)) {
            add_line(lines, label_of(member.key), *list);
        } else {
            others.push_back(&member);
        }
    }
    if (!lines.empty()) add_paragraphs(path.empty() ? lines : path + "\n" + lines, blocks);
    for (const Json* other : others) add_value(*other, join(path, label_of(other->key)), blocks);
}

Result<Document> read_json(std::string_view bytes) {
    TITANS_TRY(const Json json, JsonReader().read(bytes));
    Document document;
    add_value(json, "", document.blocks);
    return document;
}

Result<Document> read_blocks(std::string_view bytes, std::string_view file_name) {
    if (ends_with(file_name, ".json")) return read_json(bytes);
    const std::string_view start = text::trim(bytes.substr(0, 100));
    if (!ends_with(file_name, ".txt") && !ends_with(file_name, ".md") &&
        (start.starts_with('{') || start.starts_with('['))) {
        // "[Chapter one]" starts like JSON and is text.
        if (Result<Document> document = read_json(bytes)) return document;
    }
    Document document;
    add_paragraphs(clean(bytes), document.blocks);
    return document;
}

}  // namespace

Result<Document> read_document(std::string_view bytes, std::string_view file_name) {
    if (bytes.size() > kMostBytes) {
        return fail(ErrorKind::TooLarge,
                    std::format("knowledge_base_file: has more than {} MiB", kMostBytes >> 20));
    }
    bytes = text::without_bom(bytes);
    if (bytes.starts_with("%PDF-") || bytes.find('\0') != std::string_view::npos ||
        !text::is_utf8(bytes)) {
        return invalid("must be a TXT or JSON file in UTF-8");
    }
    TITANS_TRY(Document document, read_blocks(bytes, file_name));
    if (document.blocks.empty()) return invalid("holds no text");
    return document;
}

}  // namespace titans::knowledge
