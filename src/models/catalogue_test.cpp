#include "models/catalogue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string>

namespace titans::models {
namespace {

bool is_hex(std::string_view text, std::size_t length) {
    return text.size() == length &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A name that stays in the folder, and means itself in the url, that it is joined to.
bool is_plain_path(std::string_view name) {
    const std::filesystem::path path(name);
    return !name.empty() && path.is_relative() && path.lexically_normal() == path &&
           *path.begin() != ".." && name.find_first_of(" %?#\\") == std::string_view::npos;
}

TEST(Catalogue, NamesEveryModelOnce) {
    std::set<std::string_view> names;
    for (const CatalogueModel& model : catalogue()) {
        EXPECT_TRUE(names.insert(model.name).second) << model.name;
        EXPECT_EQ(find_model(model.name), &model);
    }
    for (const CatalogueModel& model : catalogue()) {
        if (model.hub_name.empty()) continue;
        EXPECT_TRUE(names.insert(model.hub_name).second) << model.hub_name;
        EXPECT_EQ(find_model(model.hub_name), &model);
    }
    EXPECT_EQ(find_model("whisper"), nullptr);
    EXPECT_EQ(find_model(""), nullptr);
    EXPECT_EQ(find_model("SWivid/F5-TTS"), find_model("f5tts"));
    EXPECT_EQ(find_model("openai/whisper-large"), find_model("whisper-large-v1"));
}

TEST(Catalogue, HasOneDefaultPerTask) {
    constexpr std::array kTasks{ModelTask::Mind, ModelTask::Ears, ModelTask::Embedder,
                                ModelTask::SpeechDetector};
    EXPECT_EQ(default_models().size(), kTasks.size());  // no voice is
    for (const ModelTask task : kTasks) {
        EXPECT_EQ(std::ranges::count_if(catalogue(),
                                        [&](const CatalogueModel& model) {
                                            return model.task == task && model.is_default;
                                        }),
                  1)
            << to_string(task);
        EXPECT_EQ(default_of(task).task, task);
    }
}

TEST(Catalogue, StatesSizeHashAndPlaceOfEveryFile) {
    for (const CatalogueModel& model : catalogue()) {
        ASSERT_FALSE(model.files.empty()) << model.name;
        std::set<std::string_view> names;
        for (const ModelFile& file : model.files) {
            EXPECT_TRUE(names.insert(file.name).second) << model.name << ' ' << file.name;
            EXPECT_TRUE(is_plain_path(file.name)) << model.name << ' ' << file.name;
            EXPECT_GT(file.bytes, 0U) << model.name << ' ' << file.name;
            EXPECT_TRUE(
                is_hex(file.sha256, 64) ||
                (file.sha256.empty() && is_hex(file.git_sha1, 40) && file.bytes < 1'000'000))
                << model.name << ' ' << file.name;
            EXPECT_EQ(file.hash(), file.sha256.empty() ? file.git_sha1 : file.sha256);
            if (file.hub.repository.empty()) {
                EXPECT_FALSE(file.parts.empty()) << model.name << ": has no source";
            } else {
                EXPECT_EQ(std::ranges::count(file.hub.repository, '/'), 1) << model.name;
                EXPECT_TRUE(is_hex(file.hub.revision, 40)) << model.name;
                EXPECT_TRUE(is_plain_path(file.hub.file)) << model.name;
            }
            for (const PackageMember& part : file.parts) {
                EXPECT_FALSE(part.package.empty() || part.version.empty()) << model.name;
                EXPECT_TRUE(is_plain_path(part.member)) << model.name;
            }
        }
    }
}

TEST(Catalogue, SaysWhatIsLoadedAndUnderWhichLicence) {
    for (const CatalogueModel& model : catalogue()) {
        EXPECT_TRUE(is_plain_path(model.result)) << model.name;
        EXPECT_FALSE(model.licence.empty() || model.description.empty()) << model.name;
        EXPECT_FALSE(model.family.empty() || model.size.empty()) << model.name;
        if (model.conversion.empty()) {
            EXPECT_EQ(model.result, model.files[0].name);
        } else {
            EXPECT_TRUE(std::ranges::none_of(model.files, [&](const ModelFile& file) {
                return file.name == model.result;
            })) << model.name;
        }
    }
}

TEST(Catalogue, FetchesEveryDefaultWithoutTheHub) {
    for (const CatalogueModel& model : catalogue()) {
        if (!model.is_default) continue;
        for (const ModelFile& file : model.files) EXPECT_FALSE(file.parts.empty()) << file.name;
    }
}

TEST(Catalogue, FindsBySize) {
    const auto name = [](ModelTask task, std::string_view family, std::string_view size) {
        const CatalogueModel* model = find_model(task, family, size);
        return model == nullptr ? std::string_view("none") : model->name;
    };
    EXPECT_EQ(name(ModelTask::Ears, "whisper", "base"), "whisper-base");
    EXPECT_EQ(name(ModelTask::Ears, "whisper", "tiny.en"), "whisper-tiny.en");
    EXPECT_EQ(name(ModelTask::Ears, "whisper", "large"), "whisper-large-v3");
    EXPECT_EQ(name(ModelTask::Ears, "whisper", "turbo"), "whisper-large-v3-turbo");
    EXPECT_EQ(name(ModelTask::Ears, "whisper", "enormous"), "none");
    EXPECT_EQ(name(ModelTask::Voice, "f5tts", ""), "f5tts");
    EXPECT_EQ(name(ModelTask::Voice, "f5tts", "base"), "f5tts-base");
    EXPECT_EQ(name(ModelTask::Vocoder, "vocos", ""), "vocos-mel-24khz");
    EXPECT_EQ(name(ModelTask::Vocoder, "f5tts", ""), "none");
    EXPECT_EQ(name(ModelTask::Mind, "whisper", "base"), "none");
    for (const CatalogueModel& model : catalogue()) {
        EXPECT_EQ(find_model(model.task, model.family, model.size), &model);
    }
}

TEST(Catalogue, HasWhatItsModelsNeed) {
    for (const CatalogueModel& model : catalogue()) {
        for (const std::string_view name : model.needs) {
            const CatalogueModel* const needed = find_model(name);
            ASSERT_NE(needed, nullptr) << model.name;
            EXPECT_TRUE(needed->needs.empty()) << model.name << ": only one deep";
        }
    }
    EXPECT_EQ(find_model("f5tts")->needs.front(), "vocos-mel-24khz");
}

TEST(Catalogue, HasEverySizeOfWhisperForOurNetwork) {
    std::size_t sizes = 0;
    for (const CatalogueModel& model : catalogue()) {
        if (model.family != "whisper") continue;
        ++sizes;
        EXPECT_EQ(model.conversion, "whisper") << model.name;
        EXPECT_TRUE(model.result.ends_with(".gguf")) << model.name;
    }
    EXPECT_EQ(sizes, 12U);
}

TEST(Catalogue, SumsTheBytesOfAllFiles) {
    EXPECT_EQ(download_bytes(*find_model("whisper-base")), 145'217'532U + 2'309U + 459'861U);
}

}  // namespace
}  // namespace titans::models
