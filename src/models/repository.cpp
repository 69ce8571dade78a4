#include "models/repository.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <format>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace titans::models {
namespace {

using Json = nlohmann::json;
using Files = std::vector<RepositoryFile>;

constexpr std::size_t kLongestPart = 96;  // of a repository's name
constexpr std::size_t kLongestName = 255;
constexpr int kMaxDepth = 16;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 40;
constexpr std::size_t kMaxFiles = 1000;
constexpr std::size_t kMostNamed = 12;  // files that a message names

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

std::string lower(std::string_view text) {
    std::string all(text);
    std::ranges::transform(all, all.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return all;
}

std::string_view base_name(std::string_view name) { return name.substr(name.rfind('/') + 1); }
bool is_in_root(const RepositoryFile& file) { return !file.name.contains('/'); }

bool is_hex(std::string_view text, std::size_t digits) {
    return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool is_safe(std::string_view name) {
    if (name.empty() || name.size() > kLongestName || name.contains('\\')) return false;
    if (!std::ranges::all_of(name, [](char c) { return c >= 0x20 && c < 0x7f; })) return false;
    for (std::string_view rest = name; true;) {
        const std::size_t end = rest.find('/');
        if (rest.substr(0, end).empty() || rest.starts_with('.')) return false;
        if (end == rest.npos) return true;
        rest.remove_prefix(end + 1);
    }
}

/// Absent unless `item` is a file with all that is needed of it.
std::optional<RepositoryFile> read_file(const Json& item) {
    const auto text = [](const Json& object, const char* key) {
        const auto found = object.is_object() ? object.find(key) : object.end();
        return found != object.end() && found->is_string() ? found->get<std::string>() : "";
    };
    if (!item.is_object()) return std::nullopt;
    RepositoryFile file{.name = text(item, "rfilename")};
    const auto size = item.find("size");
    if (!is_safe(file.name) || size == item.end() || !size->is_number_unsigned())
        return std::nullopt;
    file.bytes = size->get<std::uint64_t>();
    if (const auto lfs = item.find("lfs"); lfs != item.end() && lfs->is_object()) {
        file.sha256 = text(*lfs, "sha256");
        if (!is_hex(file.sha256, 64)) return std::nullopt;
    } else {
        file.git_sha1 = text(item, "blobId");
        if (!is_hex(file.git_sha1, 40)) return std::nullopt;
    }
    return file;
}

/// One quantisation of a GGUF repository.
struct Quantisation {
    std::string name;  // of the file, or of the first part
    Files parts;
    std::uint64_t bytes = 0;
};

struct PartName {
    std::string stem;  // of all parts
    int number = 0;
    int count = 0;
};

/// "stem-00001-of-00003.gguf" in its pieces.
std::optional<PartName> parse_part(std::string_view name) {
    constexpr std::string_view kPattern = "-00000-of-00000";
    const std::string_view stem = name.substr(0, name.size() - 5);
    if (stem.size() <= kPattern.size()) return std::nullopt;
    const std::string_view end = stem.substr(stem.size() - kPattern.size());
    for (std::size_t i = 0; i < end.size(); ++i) {
        const bool fits = kPattern[i] == '0' ? std::isdigit(static_cast<unsigned char>(end[i])) != 0
                                             : end[i] == kPattern[i];
        if (!fits) return std::nullopt;
    }
    PartName part{.stem = std::string(stem.substr(0, stem.size() - kPattern.size()))};
    std::from_chars(end.data() + 1, end.data() + 6, part.number);
    std::from_chars(end.data() + 10, end.data() + 15, part.count);
    return part;
}

bool is_model_gguf(std::string_view name) {
    const std::string base = lower(base_name(name));
    return base.ends_with(".gguf") && base.size() > 5 && !base.starts_with("mmproj") &&
           !base.contains("imatrix");
}

/// Those whose parts are all there.
std::vector<Quantisation> quantisations(const Files& files) {
    std::map<std::string, std::vector<std::pair<int, RepositoryFile>>> split;
    std::vector<Quantisation> all;
    for (const RepositoryFile& file : files) {
        if (!is_model_gguf(file.name)) continue;
        if (const auto part = parse_part(file.name)) {
            split[std::format("{}/{}", part->count, part->stem)].emplace_back(part->number, file);
        } else {
            all.push_back({file.name, {file}, file.bytes});
        }
    }
    for (auto& [key, parts] : split) {
        std::ranges::sort(parts, {}, &std::pair<int, RepositoryFile>::first);
        const int count = parse_part(parts.front().second.name)->count;
        if (parts.front().first != 1 || parts.back().first != count ||
            parts.size() != static_cast<std::size_t>(count))
            continue;
        Quantisation joined{.name = parts.front().second.name};
        for (auto& [number, file] : parts) {
            joined.bytes += file.bytes;
            joined.parts.push_back(std::move(file));
        }
        all.push_back(std::move(joined));
    }
    return all;
}

/// True if the weights are not quantised: larger than Q8_0 and hardly better.
bool is_unquantised(std::string_view name) {
    constexpr std::array<std::string_view, 5> kTypes{"F16", "FP16", "BF16", "F32", "FP32"};
    return std::ranges::any_of(kTypes, [&](auto type) { return is_wanted(name, type); });
}

std::string gigabytes(std::uint64_t bytes) {
    return std::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

std::string names_of(const std::vector<Quantisation>& all) {
    std::string text;
    for (std::size_t i = 0; i < std::min(all.size(), kMostNamed); ++i)
        text += (i == 0 ? "" : ", ") + all[i].name;
    return text + (all.size() > kMostNamed ? ", ..." : "");
}

Result<RepositoryChoice> choose_named(std::string_view repository,
                                      const std::vector<Quantisation>& all,
                                      std::string_view wanted) {
    std::vector<Quantisation> found;
    for (const Quantisation& one : all) {
        if (std::ranges::any_of(one.parts, [&](const auto& part) { return part.name == wanted; }))
            return RepositoryChoice{one.parts, one.name};
        if (std::ranges::any_of(one.parts,
                                [&](const auto& part) { return is_wanted(part.name, wanted); }))
            found.push_back(one);
    }
    if (found.empty())
        return fail(ErrorKind::NotFound,
                    std::format("file: {} has no such file; it has {}", repository, names_of(all)));
    if (found.size() > 1)
        return fail(ErrorKind::InvalidInput,
                    std::format("file: several files are meant, name one: {}", names_of(found)));
    return RepositoryChoice{found.front().parts, found.front().name};
}

Result<RepositoryChoice> choose_best(std::string_view repository, std::vector<Quantisation> all,
                                     std::uint64_t free_memory) {
    if (!std::ranges::all_of(all, is_unquantised, &Quantisation::name))
        std::erase_if(all, [](const Quantisation& one) { return is_unquantised(one.name); });
    std::ranges::sort(all, {}, &Quantisation::bytes);
    const Quantisation* best = nullptr;
    for (const Quantisation& one : all) {
        if (one.bytes <= free_memory * 7 / 10) best = &one;
    }
    if (best == nullptr)
        return fail(ErrorKind::Conflict,
                    std::format("model_name: the smallest of {} has {}, and of this machine's "
                                "memory {} are free; to get it all the same, name it as file: {}",
                                repository, gigabytes(all.front().bytes), gigabytes(free_memory),
                                all.front().name));
    return RepositoryChoice{best->parts, best->name};
}

/// Configuration and tokenizer of a checkpoint.
bool is_support(std::string_view name) {
    constexpr std::array<std::string_view, 7> kNames{
        "config.json",       "generation_config.json",   "merges.txt",  "special_tokens_map.json",
        "added_tokens.json", "preprocessor_config.json", "spiece.model"};
    constexpr std::array<std::string_view, 5> kEndings{".json", ".txt", ".model", ".jinja", ".bpe"};
    if (std::ranges::contains(kNames, name)) return true;
    if (!std::ranges::any_of(kEndings, [&](auto ending) { return name.ends_with(ending); }))
        return false;
    return name.starts_with("tokenizer") || name.starts_with("vocab") ||
           name.starts_with("chat_template") || name.starts_with("sentencepiece");
}

RepositoryChoice choose_checkpoint(const Files& files) {
    const auto take = [&](auto&& is_one) {
        Files taken;
        for (const RepositoryFile& file : files) {
            if (is_in_root(file) && is_one(file.name)) taken.push_back(file);
        }
        return taken;
    };
    // The names that the usual library loads; beside them there may be the same weights again.
    Files weights = take([](std::string_view name) {
        return name == "model.safetensors" ||
               (name.starts_with("model-") && name.ends_with(".safetensors"));
    });
    if (weights.empty())
        weights = take([](std::string_view name) { return name.ends_with(".safetensors"); });
    std::string_view index = ".safetensors.index.json";
    if (weights.empty()) {
        weights = take([](std::string_view name) {
            return name.starts_with("pytorch_model") && name.ends_with(".bin");
        });
        index = ".bin.index.json";
    }
    RepositoryChoice choice;
    if (weights.empty()) return choice;
    choice.files = std::move(weights);
    choice.files.append_range(
        take([&](std::string_view name) { return name.ends_with(index) || is_support(name); }));
    return choice;
}

}  // namespace

Result<void> check_repository_name(std::string_view name) {
    const auto is_part = [](std::string_view part) {
        return !part.empty() && part.size() <= kLongestPart && !part.starts_with('.') &&
               !part.starts_with('-') && !part.contains("..") &&
               std::ranges::all_of(part, [](char c) {
                   return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
               });
    };
    const std::size_t slash = name.find('/');
    if (slash == name.npos || !is_part(name.substr(0, slash)) || !is_part(name.substr(slash + 1)))
        return fail(ErrorKind::InvalidInput,
                    "model_name: must be a model of the catalogue or a repository as in org/name");
    return {};
}

Result<RepositoryListing> parse_listing(std::string_view json) {
    const auto malformed = [](std::string detail) {
        return fail(ErrorKind::Upstream, "the model hub's answer makes no sense",
                    std::move(detail));
    };
    bool too_deep = false;
    const Json all = Json::parse(
        json,
        [&](int depth, Json::parse_event_t, Json&) {
            too_deep = too_deep || depth > kMaxDepth;
            return !too_deep;
        },
        /*allow_exceptions=*/false);
    if (too_deep || !all.is_object()) return malformed("no JSON object");
    RepositoryListing listing;
    const auto revision = all.find("sha");
    if (revision == all.end() || !revision->is_string() ||
        !is_hex(revision->get_ref<const std::string&>(), 40))
        return malformed("no revision");
    listing.revision = *revision;
    const auto siblings = all.find("siblings");
    if (siblings == all.end() || !siblings->is_array()) return malformed("no list of files");
    std::map<std::string, RepositoryFile> files;
    for (const Json& item : *siblings) {
        if (auto file = read_file(item)) files.try_emplace(file->name, *std::move(file));
    }
    for (auto& [name, file] : files) listing.files.push_back(std::move(file));
    return listing;
}

bool is_wanted(std::string_view file, std::string_view wanted) {
    if (wanted.empty()) return false;
    if (file == wanted || base_name(file) == wanted) return true;
    const std::string name = lower(file.substr(0, file.rfind('.')));
    const std::string word = lower(wanted);
    for (std::size_t at = name.find(word); at != name.npos; at = name.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        const bool begins = at == 0 || !is_alphanumeric(name[at - 1]);
        const bool ends = end == name.size() || (!is_alphanumeric(name[end]) && name[end] != '_');
        if (begins && ends) return true;
    }
    return false;
}

Result<RepositoryChoice> choose_files(std::string_view repository, const RepositoryListing& listing,
                                      std::string_view wanted, std::uint64_t free_memory) {
    RepositoryChoice choice;
    std::vector<Quantisation> all = quantisations(listing.files);
    if (!all.empty()) {
        TITANS_TRY(choice, wanted.empty() ? choose_best(repository, std::move(all), free_memory)
                                          : choose_named(repository, all, wanted));
    } else if (!wanted.empty()) {
        return fail(ErrorKind::InvalidInput,
                    std::format("file: {} has no GGUF files to choose from", repository));
    } else {
        choice = choose_checkpoint(listing.files);
    }
    if (choice.files.empty())
        return fail(ErrorKind::NotFound,
                    std::format("model_name: {} has no model in its own folder: no GGUF, "
                                "safetensors or pytorch_model.bin",
                                repository));
    if (choice.files.size() > kMaxFiles || std::ranges::any_of(choice.files, [](const auto& file) {
            return file.bytes > kMaxFileBytes;
        }))
        return fail(ErrorKind::Upstream,
                    std::format("model_name: {} is too large for Titans", repository));
    return choice;
}

}  // namespace titans::models
