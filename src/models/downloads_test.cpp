#include "models/downloads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>

#include "execution/on_loop.h"
#include "foundation/temporary_folder_for_test.h"
#include "models/hub_for_test.h"

namespace titans::models {
namespace {

namespace fs = std::filesystem;
using net::LoopbackServer;
using testing::HasSubstr;

class DownloadsTest : public testing::Test {
protected:
    ModelStore store(const HubForTest& hub) const {
        return ModelStore({.models_dir = folder_ / "models",
                           .downloads_dir = folder_ / "downloads",
                           .hub_endpoint = hub.url(),
                           .root = folder_,
                           .catalogue = catalogue_,
                           .free_memory = 1'000'000,
                           .retry_delay = std::chrono::milliseconds(1)});
    }
    static Result<std::string> get(Downloads& downloads, std::string name, std::string wanted = "",
                                   std::stop_token stop = {}) {
        return on_loop<Result<std::string>>(
            [&] { return downloads.get(name, wanted, LicenceAnswer::None, stop); });
    }

    const TemporaryFolder temporary_;
    const fs::path folder_ = temporary_.path();
    const std::map<std::string, std::string> files_{{"mind-Q4_0.gguf", std::string(1000, '4')}};
    const std::array<CatalogueModel, 1> catalogue_{
        CatalogueModel{"plain", ModelTask::Mind, "plain", "small", true, "MIT", "", {}, "", "x"}};
};

TEST_F(DownloadsTest, GetsAModelAndForgetsTheDownload) {
    const HubForTest hub(files_);
    ModelStore models = store(hub);
    Executor executor({.name = "downloads"});
    Downloads downloads(models, executor);
    EXPECT_EQ(get(downloads, "someone/mind"), "someone/mind/mind-Q4_0.gguf");
    EXPECT_TRUE(downloads.list().empty());
}

TEST_F(DownloadsTest, SharesOneDownloadAmongEqualRequests) {
    std::latch both_wait(1);
    const HubForTest hub(files_, [&](const std::string& path, const std::string&, const auto&) {
        if (path.starts_with("/api/")) both_wait.wait();
        return false;
    });
    ModelStore models = store(hub);
    Executor executor({.name = "downloads"});
    Downloads downloads(models, executor);
    std::vector<std::jthread> clients;
    std::atomic<int> good = 0;
    for (int i = 0; i < 3; ++i)
        clients.emplace_back([&] { good += get(downloads, "someone/mind").has_value() ? 1 : 0; });
    while (hub.requests().empty()) std::this_thread::yield();
    const auto running = downloads.list();
    ASSERT_EQ(running.size(), 1U);
    EXPECT_EQ(running[0].model, "someone/mind");
    EXPECT_EQ(running[0].step, "downloading");
    both_wait.count_down();
    clients.clear();
    EXPECT_EQ(good, 3);
    EXPECT_EQ(hub.asked("/resolve/"), 1);
}

TEST_F(DownloadsTest, GoesOnWhenTheClientLeaves) {
    std::latch client_left(1);
    std::stop_source stop;
    const HubForTest hub(files_, [&](const std::string& path, const std::string&, const auto&) {
        if (path.starts_with("/api/")) {
            stop.request_stop();
            client_left.wait();
        }
        return false;
    });
    ModelStore models = store(hub);
    {
        Executor executor({.name = "downloads"});
        Downloads downloads(models, executor);
        const auto left = get(downloads, "someone/mind", "", stop.get_token());
        ASSERT_FALSE(left);
        EXPECT_EQ(left.error().kind, ErrorKind::Cancelled);
        EXPECT_EQ(downloads.list().size(), 1U);
        client_left.count_down();
        // The same request waits for the same download.
        EXPECT_TRUE(get(downloads, "someone/mind"));
    }
    EXPECT_EQ(hub.asked("/api/"), 1);
    EXPECT_TRUE(models.find_repository("someone/mind"));
}

TEST_F(DownloadsTest, RemembersAFailureUntilItIsAskedForAgain) {
    bool is_open = false;
    const HubForTest hub(files_, [&](const std::string&, const std::string&, const auto& to) {
        if (is_open) return false;
        to.send(LoopbackServer::answer("403 Forbidden", ""));
        return true;
    });
    ModelStore models = store(hub);
    Executor executor({.name = "downloads"});
    Downloads downloads(models, executor);
    const auto refused = get(downloads, "someone/mind");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::Forbidden);
    ASSERT_EQ(downloads.list().size(), 1U);
    EXPECT_EQ(downloads.list()[0].step, "failed");
    EXPECT_EQ(downloads.list()[0].error, refused.error().message);
    is_open = true;
    EXPECT_TRUE(get(downloads, "someone/mind"));
    EXPECT_TRUE(downloads.list().empty());
}

TEST_F(DownloadsTest, RemembersOnlySoManyFailures) {
    const HubForTest hub({});
    ModelStore models = store(hub);
    Executor executor({.name = "downloads"});
    Downloads downloads(models, executor);
    for (int i = 0; i < 25; ++i) EXPECT_FALSE(get(downloads, std::format("someone/mind-{}", i)));
    const auto failures = downloads.list();
    ASSERT_EQ(failures.size(), 20U);
    EXPECT_EQ(failures.front().model, "someone/mind-5");
}

TEST_F(DownloadsTest, RefusesAtOnceWhatCannotBeAModel) {
    const HubForTest hub({});
    ModelStore models = store(hub);
    Executor executor({.name = "downloads"});
    Downloads downloads(models, executor);
    EXPECT_EQ(get(downloads, "../x").error().kind, ErrorKind::InvalidInput);
    EXPECT_EQ(get(downloads, "nothing-of-the-kind").error().kind, ErrorKind::InvalidInput);
    EXPECT_EQ(get(downloads, "plain", "Q4_0").error().kind, ErrorKind::InvalidInput);
    EXPECT_TRUE(downloads.list().empty());
    EXPECT_TRUE(hub.requests().empty());
}

TEST_F(DownloadsTest, IsBusyWhenTooManyWait) {
    std::latch asked(1);
    std::latch done(1);
    const HubForTest hub(files_, [&](const std::string&, const std::string&, const auto&) {
        asked.count_down();
        done.wait();
        return false;
    });
    ModelStore models = store(hub);
    Executor executor({.name = "downloads", .queue_size = 1});
    Downloads downloads(models, executor);
    const std::jthread first([&] { EXPECT_TRUE(get(downloads, "someone/mind")); });
    asked.wait();
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(get(downloads, "someone/second", "", stop.get_token()).error().kind,
              ErrorKind::Cancelled);
    EXPECT_EQ(downloads.list().back().step, "waiting");
    EXPECT_EQ(get(downloads, "someone/third").error().kind, ErrorKind::Busy);
    EXPECT_EQ(downloads.list().size(), 2U);
    done.count_down();
}

}  // namespace
}  // namespace titans::models
