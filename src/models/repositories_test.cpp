#include "models/repositories.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "foundation/temporary_folder_for_test.h"
#include "models/hub_for_test.h"
#include "models/model_store.h"

namespace titans::models {
namespace {

namespace fs = std::filesystem;
using net::LoopbackServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Connection = HubForTest::Connection;

class RepositoriesTest : public testing::Test {
protected:
    ModelStore store(const std::string& hub, Secret token = {}) const {
        return ModelStore({.models_dir = models_,
                           .downloads_dir = folder_ / "downloads",
                           .hub_endpoint = hub,
                           .hub_token = std::move(token),
                           .program = folder_ / "titans",
                           .root = folder_,
                           .catalogue = {},
                           .free_memory = 1'000'000,
                           .retry_delay = std::chrono::milliseconds(1)});
    }
    Result<fs::path> fetch(const HubForTest& hub, std::string_view wanted = "") const {
        return store(hub.url()).fetch_repository("someone/mind", wanted, {}, {});
    }
    static std::string read(const fs::path& file) {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    /// Names in the models' folder, and below.
    std::vector<std::string> stored() const {
        std::vector<std::string> names;
        if (!fs::exists(models_)) return names;
        for (const auto& entry : fs::recursive_directory_iterator(models_)) {
            if (!entry.is_directory())
                names.push_back(fs::relative(entry.path(), models_).string());
        }
        std::ranges::sort(names);
        return names;
    }

    const TemporaryFolder temporary_;
    const fs::path folder_ = temporary_.path();
    const fs::path models_ = folder_ / "models";
    const std::map<std::string, std::string> quantisations_{
        {"README.md", "read me"},
        {"mind-Q4_K_M.gguf", std::string(400'000, '4')},
        {"mind-Q8_0.gguf", std::string(800'000, '8')}};
    const std::map<std::string, std::string> checkpoint_{{"config.json", "{}"},
                                                         {"empty/vocab.txt", ""},
                                                         {"model.safetensors", "weights"},
                                                         {"vocab.txt", ""}};
};

TEST_F(RepositoriesTest, FetchesTheQuantisationThatFits) {
    const HubForTest hub(quantisations_);
    ModelStore models = store(hub.url());
    EXPECT_FALSE(models.find_repository("someone/mind"));
    std::vector<std::uint64_t> seen;
    const auto fetched = models.fetch_repository("someone/mind", "",
                                                 [&](const FetchProgress& progress) {
                                                     EXPECT_EQ(progress.file, "mind-Q4_K_M.gguf");
                                                     EXPECT_EQ(progress.of_bytes, 400'000U);
                                                     seen.push_back(progress.bytes);
                                                 },
                                                 {});
    ASSERT_TRUE(fetched) << fetched.error().message << ' ' << fetched.error().detail;
    EXPECT_EQ(*fetched, models_ / "someone/mind/mind-Q4_K_M.gguf");
    EXPECT_EQ(read(*fetched), quantisations_.at("mind-Q4_K_M.gguf"));
    EXPECT_EQ(seen.back(), 400'000U);
    EXPECT_EQ(stored(), (std::vector<std::string>{"someone/mind/mind-Q4_K_M.gguf",
                                                  "someone/mind/model.json"}));
    const auto found = models.find_repository("someone/mind");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->folder, models_ / "someone/mind");
    EXPECT_EQ(found->gguf, *fetched);
    EXPECT_EQ(found->bytes, 400'000U);
    EXPECT_EQ(models.client_path(*fetched), "someone/mind/mind-Q4_K_M.gguf");
    EXPECT_EQ(models.resolve(models.client_path(*fetched)), fs::canonical(*fetched));
    ASSERT_EQ(models.list_repositories().size(), 1U);
    EXPECT_EQ(models.list_repositories()[0].name, "someone/mind");
}

TEST_F(RepositoriesTest, FetchesACheckpoint) {
    const HubForTest hub(checkpoint_);
    const auto fetched = fetch(hub);
    ASSERT_TRUE(fetched) << fetched.error().message << ' ' << fetched.error().detail;
    EXPECT_EQ(*fetched, models_ / "someone/mind");
    EXPECT_EQ(stored(), (std::vector<std::string>{
                            "someone/mind/config.json", "someone/mind/model.json",
                            "someone/mind/model.safetensors", "someone/mind/vocab.txt"}));
    EXPECT_FALSE(store(hub.url()).find_repository("someone/mind")->gguf);
}

TEST_F(RepositoriesTest, ConvertsACheckpointForANetworkOfOurs) {
    const HubForTest hub({{"config.json", R"({"model_type": "hubert"})"},
                          {"model.safetensors", "weights"},
                          {"vocab.json", "{}"}});
    const fs::path converter = folder_ / "titans";
    const auto convert_by = [&](std::string_view script) {
        std::ofstream(converter, std::ios::trunc) << "#!/bin/sh\n" << script;
        fs::permissions(converter, fs::perms::owner_all);
    };
    convert_by("exit 1");
    const auto failed = fetch(hub);
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message, HasSubstr("someone/mind"));
    EXPECT_FALSE(store(hub.url()).find("someone/mind"));

    convert_by(R"([ "$1 $2" = "convert hubert" ] && cat "$3/model.safetensors" > "$4")");
    std::size_t conversions = 0;
    const auto fetched =
        store(hub.url()).fetch_repository("someone/mind", "",
                                          [&](const FetchProgress& progress) {
                                              if (progress.step == FetchProgress::Step::Converting)
                                                  ++conversions;
                                          },
                                          {});
    ASSERT_TRUE(fetched) << fetched.error().message << ' ' << fetched.error().detail;
    EXPECT_EQ(*fetched, models_ / "someone/mind/titans.gguf");
    EXPECT_EQ(read(*fetched), "weights");
    EXPECT_EQ(conversions, 1U);
    EXPECT_EQ(store(hub.url()).find("someone/mind"), *fetched);
    EXPECT_EQ(stored(),
              (std::vector<std::string>{"someone/mind/config.json", "someone/mind/model.json",
                                        "someone/mind/model.safetensors",
                                        "someone/mind/titans.gguf", "someone/mind/vocab.json"}));

    convert_by("exit 1");
    EXPECT_EQ(fetch(hub), *fetched) << "it is here, and not converted again";
}

TEST_F(RepositoriesTest, FindsANetworkThatSomebodyPutThere) {
    const ModelStore models = store("");
    EXPECT_FALSE(models.find("someone/ears"));
    EXPECT_FALSE(models.find("../ears"));
    fs::create_directories(models_ / "someone/ears");
    std::ofstream(models_ / "someone/ears/titans.gguf") << "GGUF";
    EXPECT_EQ(models.find("someone/ears"), models_ / "someone/ears/titans.gguf");
}

TEST_F(RepositoriesTest, AsksTheHubForNothingThatIsHere) {
    const HubForTest hub(quantisations_);
    ASSERT_TRUE(fetch(hub));
    const std::size_t before = hub.requests().size();
    EXPECT_TRUE(fetch(hub));
    EXPECT_TRUE(fetch(hub, "q4_k_m"));
    EXPECT_TRUE(fetch(hub, "mind-Q4_K_M.gguf"));
    EXPECT_EQ(hub.requests().size(), before);
}

TEST_F(RepositoriesTest, KeepsASecondQuantisationBesideTheFirst) {
    const HubForTest hub(quantisations_);
    ASSERT_TRUE(fetch(hub));
    const auto second = fetch(hub, "Q8_0");
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(*second, models_ / "someone/mind/mind-Q8_0.gguf");
    ModelStore models = store(hub.url());
    EXPECT_EQ(models.find_repository("someone/mind")->gguf, *second);
    EXPECT_EQ(stored().size(), 3U);
    // Asked for again, the first is the one to load, and nothing is fetched.
    const std::size_t before = hub.requests().size();
    const auto first = fetch(hub, "Q4_K_M");
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(models.find_repository("someone/mind")->gguf, *first);
    EXPECT_EQ(hub.requests().size(), before);
    // Without the first there is still the second.
    fs::remove(*first);
    EXPECT_EQ(models.find_repository("someone/mind")->gguf, *second);
}

TEST_F(RepositoriesTest, GoesOnWhereAnEarlierTryEnded) {
    int cuts = 0;
    const HubForTest hub(quantisations_, [&](const std::string& path, const std::string& request,
                                             const Connection& connection) {
        if (!path.ends_with("Q8_0.gguf") || request.contains("Range") || ++cuts > 1) return false;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 800000\r\n\r\n" +
                        std::string(300'000, '8'));
        return true;
    });
    {  // stopped in the middle
        std::stop_source stop;
        const auto stopped = store(hub.url()).fetch_repository(
            "someone/mind", "Q8_0", [&](const FetchProgress&) { stop.request_stop(); },
            stop.get_token());
        ASSERT_FALSE(stopped);
        EXPECT_EQ(stopped.error().kind, ErrorKind::Cancelled);
        EXPECT_FALSE(store(hub.url()).find_repository("someone/mind"));
    }
    const auto fetched = fetch(hub, "Q8_0");
    ASSERT_TRUE(fetched) << fetched.error().message << fetched.error().detail;
    EXPECT_EQ(read(*fetched), quantisations_.at("mind-Q8_0.gguf"));
    EXPECT_GT(hub.asked("Range: bytes="), 0);
    EXPECT_EQ(stored().size(), 2U);
}

TEST_F(RepositoriesTest, RemovesWhatWasBegunOfOtherFiles) {
    const HubForTest hub(quantisations_);
    fs::create_directories(models_ / ".someone--mind.download/old");
    std::ofstream(models_ / ".someone--mind.download/x.part") << "half";
    ASSERT_TRUE(fetch(hub));
    EXPECT_FALSE(fs::exists(models_ / ".someone--mind.download"));
}

TEST_F(RepositoriesTest, RefusesWrongBytesOfLargeAndSmallFiles) {
    for (const char* wrong : {"model.safetensors", "config.json"}) {
        const HubForTest hub(checkpoint_, [&](const std::string& path, const std::string&,
                                              const Connection& connection) {
            if (!path.ends_with(wrong)) return false;
            const std::size_t size = checkpoint_.at(wrong).size();
            connection.send(LoopbackServer::answer("200 OK", std::string(size, 'x')));
            return true;
        });
        const auto fetched = fetch(hub);
        ASSERT_FALSE(fetched) << wrong;
        EXPECT_EQ(fetched.error().kind, ErrorKind::Upstream);
        EXPECT_THAT(fetched.error().message, HasSubstr("SHA"));
        EXPECT_FALSE(store(hub.url()).find_repository("someone/mind"));
        EXPECT_FALSE(fs::exists(models_ / "someone"));
    }
}

TEST_F(RepositoriesTest, SaysWhatToDoForAGatedRepository) {
    const HubForTest hub(quantisations_, [](const std::string& path, const std::string& request,
                                            const Connection& connection) {
        if (path.starts_with("/api/")) return false;  // anyone may see what is there
        const bool has_token = request.contains("Authorization: Bearer hub-token");
        connection.send(LoopbackServer::answer(has_token ? "403 Forbidden" : "401 Unauthorized", "",
                                               "X-Error-Code: GatedRepo\r\n"));
        return true;
    });
    const auto fetched = fetch(hub);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Forbidden);
    EXPECT_THAT(fetched.error().message,
                AllOf(HasSubstr("someone/mind is gated"), HasSubstr(hub.url() + "/someone/mind"),
                      HasSubstr("HUGGINGFACE_API_KEY"), HasSubstr("no token was sent")));
    const auto refused =
        store(hub.url(), Secret("hub-token")).fetch_repository("someone/mind", "", {}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::Forbidden);
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr("was sent"), Not(HasSubstr("no token")),
                                               Not(HasSubstr("hub-token"))));
}

TEST_F(RepositoriesTest, TellsWhatIsNotThere) {
    const HubForTest hub({});
    const auto missing = store(hub.url()).fetch_repository("someone/else", "", {}, {});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, ErrorKind::NotFound);
    EXPECT_THAT(missing.error().message, HasSubstr("someone/else"));
    // The hub's answer for a missing repository to someone without a token.
    const HubForTest shy(
        {}, [](const std::string&, const std::string&, const Connection& connection) {
            connection.send(
                LoopbackServer::answer("401 Unauthorized", "", "X-Error-Code: RepoNotFound\r\n"));
            return true;
        });
    EXPECT_EQ(fetch(shy).error().kind, ErrorKind::NotFound);
    const auto invalid = store(hub.url()).fetch_repository("../mind", "", {}, {});
    ASSERT_FALSE(invalid);
    EXPECT_EQ(invalid.error().kind, ErrorKind::InvalidInput);
    EXPECT_FALSE(fs::exists(models_ / "someone"));
}

TEST_F(RepositoriesTest, SendsTheTokenToTheHubButNotToItsStore) {
    std::string stored_request;
    const LoopbackServer content([&](const std::string& request, const Connection& connection) {
        stored_request = request;
        connection.send(LoopbackServer::answer("200 OK", quantisations_.at("mind-Q4_K_M.gguf")));
    });
    const HubForTest hub(quantisations_, [&](const std::string& path, const std::string&,
                                             const Connection& connection) {
        if (path.starts_with("/api/")) return false;
        connection.send(LoopbackServer::answer(
            "302 Found", "", std::format("Location: {}\r\n", content.url("/blob"))));
        return true;
    });
    const auto fetched =
        store(hub.url(), Secret("hub-token")).fetch_repository("someone/mind", "Q4_K_M", {}, {});
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(hub.asked("Authorization: Bearer hub-token"), 2);
    EXPECT_THAT(stored_request, AllOf(HasSubstr("GET /blob"), Not(HasSubstr("hub-token"))));
}

TEST_F(RepositoriesTest, TriesAgainWhatPasses) {
    int asked = 0;
    const HubForTest hub(quantisations_,
                         [&](const std::string&, const std::string&, const Connection& connection) {
                             if (++asked % 2 == 0) return false;
                             connection.send(LoopbackServer::answer("503 Service Unavailable", ""));
                             return true;
                         });
    EXPECT_TRUE(fetch(hub));
    const HubForTest broken({}, [](const std::string&, const std::string&, const Connection& to) {
        to.send(LoopbackServer::answer("500 Internal Server Error", "<html>"));
        return true;
    });
    const auto fetched = fetch(broken, "Q8_0");
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Upstream);
    EXPECT_EQ(broken.requests().size(), 4U);
}

TEST_F(RepositoriesTest, RefusesWhatTheDiskHasNoRoomFor) {
    const HubForTest hub({}, [](const std::string&, const std::string&, const Connection& to) {
        to.send(LoopbackServer::answer(
            "200 OK", std::format(R"({{"sha": "{}", "siblings": [{{"rfilename": "model.safetensors",
                "size": 1000000000000, "lfs": {{"sha256": "{}"}}}}]}})",
                                  HubForTest::kRevision, std::string(64, 'a'))));
        return true;
    });
    std::error_code failed;
    fs::create_directories(folder_);
    if (fs::space(folder_, failed).available > 1'000'000'000'000)
        GTEST_SKIP() << "this disk has room for anything";
    const auto fetched = fetch(hub);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Busy);
    EXPECT_THAT(fetched.error().message,
                AllOf(HasSubstr("not enough disk space"), HasSubstr("1000.0 GB")));
    EXPECT_EQ(hub.requests().size(), 1U);
}

TEST_F(RepositoriesTest, CountsOnlyWhatTheRecordSaysAndIsThere) {
    const HubForTest hub(quantisations_);
    const auto fetched = fetch(hub);
    ASSERT_TRUE(fetched);
    const fs::path record = models_ / "someone/mind/model.json";
    const std::string good = read(record);
    ModelStore models = store(hub.url());
    for (const char* bad :
         {"", "{", "[]", "{\"models\": 1}", "{\"models\": [1, {}, {\"files\": []}]}",
          "{\"models\": [{\"gguf\": 1, \"files\": [{\"name\": 1}]}]}"}) {
        std::ofstream(record, std::ios::trunc) << bad;
        EXPECT_FALSE(models.find_repository("someone/mind")) << bad;
        EXPECT_TRUE(models.list_repositories().empty());
    }
    std::ofstream(record, std::ios::trunc) << good;
    EXPECT_TRUE(models.find_repository("someone/mind"));
    fs::resize_file(*fetched, 7);
    EXPECT_FALSE(models.find_repository("someone/mind"));
    const auto again = fetch(hub);
    ASSERT_TRUE(again);
    EXPECT_EQ(read(*again), quantisations_.at("mind-Q4_K_M.gguf"));
}

TEST_F(RepositoriesTest, FetchesOnceForSeveralThatAskAtOnce) {
    const HubForTest hub(quantisations_);
    std::vector<std::jthread> threads;
    std::atomic<int> good = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            if (fetch(hub, "Q8_0")) ++good;
        });
    }
    threads.clear();
    EXPECT_EQ(good, 4);
    EXPECT_EQ(hub.asked("GET /someone/mind/resolve/"), 1);
}

}  // namespace
}  // namespace titans::models
