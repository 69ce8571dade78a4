#include "net/verified_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "foundation/temporary_folder_for_test.h"

namespace titans::net {
namespace {

constexpr const char* kHelloHash =
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";  // of "hello"

class VerifiedFileTest : public testing::Test {
protected:
    static std::string read(const std::filesystem::path& file) {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    const TemporaryFolder temporary_;
    const std::filesystem::path folder_ = temporary_.path();
    const std::filesystem::path file_ = folder_ / "file";
};

TEST_F(VerifiedFileTest, GetsItsNameWhenAllIsRight) {
    auto file = VerifiedFile::open(file_, {5, kHelloHash}, {});
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append("hel"));
    EXPECT_FALSE(file->exists());
    ASSERT_TRUE(file->append("lo"));
    const auto committed = file->commit();
    ASSERT_TRUE(committed) << committed.error().detail;
    EXPECT_TRUE(file->exists());
    EXPECT_EQ(read(file_), "hello");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "file.part"));
}

TEST_F(VerifiedFileTest, GoesOnWhereTheLastOneEnded) {
    ASSERT_TRUE(VerifiedFile::open(file_, {5, kHelloHash}, {})->append("hel"));
    auto file = VerifiedFile::open(file_, {5, kHelloHash}, {});
    ASSERT_TRUE(file);
    EXPECT_EQ(file->size(), 3U);
    ASSERT_TRUE(file->append("lo"));
    EXPECT_TRUE(file->commit());
    EXPECT_EQ(read(file_), "hello");
}

TEST_F(VerifiedFileTest, RefusesOtherBytes) {
    auto file = VerifiedFile::open(file_, {5, kHelloHash}, {});
    ASSERT_TRUE(file->append("hallo"));
    const auto committed = file->commit();
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().kind, ErrorKind::Upstream);
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(VerifiedFileTest, RefusesTooFewAndTooManyBytes) {
    auto file = VerifiedFile::open(file_, {5, kHelloHash}, {});
    const auto too_many = file->append("hello!");
    ASSERT_FALSE(too_many);
    EXPECT_EQ(too_many.error().kind, ErrorKind::TooLarge);
    ASSERT_TRUE(file->append("hell"));
    EXPECT_FALSE(file->commit());
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(VerifiedFileTest, BeginsAnewAfterRestart) {
    auto file = VerifiedFile::open(file_, {5, kHelloHash}, {});
    ASSERT_TRUE(file->append("xx"));
    ASSERT_TRUE(file->restart());
    ASSERT_TRUE(file->append("hello"));
    EXPECT_TRUE(file->commit());
    EXPECT_EQ(read(file_), "hello");
}

TEST_F(VerifiedFileTest, WaitsForAnotherWriterAndSeesItsFile) {
    auto first = VerifiedFile::open(file_, {5, kHelloHash}, {});
    ASSERT_TRUE(first);
    std::jthread writer([file = std::move(*first)]() mutable {
        ASSERT_TRUE(file.append("hello"));
        ASSERT_TRUE(file.commit());
    });
    const auto second = VerifiedFile::open(file_, {5, kHelloHash}, {});
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->exists());
    EXPECT_EQ(second->size(), 0U);
}

TEST_F(VerifiedFileTest, StopsWaitingWhenAsked) {
    const auto first = VerifiedFile::open(file_, {5, kHelloHash}, {});
    std::stop_source source;
    source.request_stop();
    const auto second = VerifiedFile::open(file_, {5, kHelloHash}, source.get_token());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::Cancelled);
}

TEST_F(VerifiedFileTest, ChecksTheNameThatGitGivesABlob) {
    const std::string name = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0";  // git hash-object
    {
        auto file = VerifiedFile::open(file_, {5, "", name}, {});
        ASSERT_TRUE(file);
        ASSERT_TRUE(file->append("hal"));
        ASSERT_TRUE(file->restart());
        ASSERT_TRUE(file->append("hel"));
    }
    auto file = VerifiedFile::open(file_, {5, "", name}, {});
    ASSERT_TRUE(file->append("lo"));
    const auto committed = file->commit();
    ASSERT_TRUE(committed) << committed.error().detail;
    EXPECT_EQ(read(file_), "hello");
    auto other = VerifiedFile::open(folder_ / "other", {5, "", name}, {});
    ASSERT_TRUE(other->append("hallo"));
    EXPECT_EQ(other->commit().error().kind, ErrorKind::Upstream);
}

}  // namespace
}  // namespace titans::net
