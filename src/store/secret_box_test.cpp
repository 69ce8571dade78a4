#include "store/secret_box.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "foundation/temporary_folder_for_test.h"

namespace titans::store {
namespace {

class SecretBoxTest : public ::testing::Test {
protected:
    std::filesystem::path path() const { return folder_ / "key"; }
    Result<SecretBox> open() { return SecretBox::open(path(), Secret()); }
    Result<SecretBox> open_shared(const std::string& shared) {
        return SecretBox::open(path(), Secret(shared));
    }
    mode_t mode() const {
        struct stat status{};
        EXPECT_EQ(::stat(path().c_str(), &status), 0);
        return status.st_mode & 0777;
    }
    static std::string unsealed(const SecretBox& box, std::string_view sealed) {
        const auto secret = box.unseal(sealed);
        return secret ? secret->reveal() : "error: " + std::string(to_string(secret.error().kind));
    }
    const std::string conflict_ = "error: " + std::string(to_string(ErrorKind::Conflict));

    TemporaryFolder folder_;
};

TEST_F(SecretBoxTest, GivesBackWhatItSealedAlsoWhenOpenedAnew) {
    const std::vector<std::string> secrets{"", "sk-1234", std::string("a\0b\xff", 4),
                                           std::string(100'000, 'x')};
    for (const std::string& secret : secrets) {
        const std::string sealed = open()->seal(Secret(secret));
        EXPECT_TRUE(SecretBox::is_sealed(sealed));
        EXPECT_EQ(sealed.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                           "0123456789-_:"),
                  std::string::npos);
        EXPECT_EQ(unsealed(*open(), sealed), secret);
    }
}

TEST_F(SecretBoxTest, SealsTheSameSecretDifferentlyEachTime) {
    const auto box = open();
    EXPECT_NE(box->seal(Secret("sk-1234")), box->seal(Secret("sk-1234")));
}

TEST_F(SecretBoxTest, RefusesWhatAnotherKeySealed) {
    const std::string sealed = open()->seal(Secret("sk-1234"));
    const std::string shared = open_shared("a secret of enough bytes")->seal(Secret("sk-1234"));
    EXPECT_EQ(unsealed(*open_shared("another secret of enough bytes"), shared), conflict_);
    EXPECT_EQ(unsealed(*open(), shared), conflict_);
    std::filesystem::remove(path());
    EXPECT_EQ(unsealed(*open(), sealed), conflict_);
}

TEST_F(SecretBoxTest, RefusesEveryChangeOfWhatItSealed) {
    const auto box = open();
    const std::string sealed = box->seal(Secret("sk-1234"));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        for (const char bit : {'\x01', '\x08', '\x20', '\x40'}) {
            std::string changed = sealed;
            changed[i] = static_cast<char>(changed[i] ^ bit);
            EXPECT_EQ(unsealed(*box, changed), conflict_) << i << " " << changed;
        }
        EXPECT_EQ(unsealed(*box, sealed.substr(0, i)), conflict_) << i;
    }
    EXPECT_EQ(unsealed(*box, sealed + "A"), conflict_);
    EXPECT_EQ(unsealed(*box, sealed + "\n"), conflict_);
    EXPECT_EQ(unsealed(*box, "sk-1234"), conflict_);
}

TEST_F(SecretBoxTest, SharesAKeyByASecretAndMakesNoFileThen) {
    const std::string sealed = open_shared("0123456789abcdef")->seal(Secret("sk-1234"));
    EXPECT_EQ(unsealed(*open_shared("0123456789abcdef"), sealed), "sk-1234");
    EXPECT_FALSE(std::filesystem::exists(path()));
    const auto too_short = open_shared("0123456789abcde");
    ASSERT_FALSE(too_short);
    EXPECT_EQ(too_short.error().kind, ErrorKind::InvalidInput);
    EXPECT_NE(too_short.error().message.find("TITANS_SECRET_KEY"), std::string::npos);
    EXPECT_EQ(too_short.error().message.find("0123456789abcde"), std::string::npos);
}

TEST_F(SecretBoxTest, KeepsItsKeyFromOtherUsers) {
    ASSERT_TRUE(open());
    EXPECT_EQ(mode(), 0600U);
    EXPECT_EQ(std::filesystem::file_size(path()), 32U);
    ASSERT_EQ(::chmod(path().c_str(), 0640), 0);
    const auto readable = open();
    ASSERT_FALSE(readable);
    EXPECT_EQ(readable.error().kind, ErrorKind::Internal);
    EXPECT_EQ(readable.error().message.find(folder_.path().string()), std::string::npos);
}

TEST_F(SecretBoxTest, RefusesAKeyFileThatItDidNotMake) {
    std::ofstream(path()) << "too short";
    ASSERT_EQ(::chmod(path().c_str(), 0600), 0);
    EXPECT_EQ(open().error().kind, ErrorKind::Internal);
    std::filesystem::remove(path());
    std::filesystem::create_directory(path());
    EXPECT_EQ(open().error().kind, ErrorKind::Internal);
    std::filesystem::remove(path());
    std::filesystem::create_symlink(folder_ / "elsewhere", path());
    EXPECT_EQ(open().error().kind, ErrorKind::Internal);
    EXPECT_EQ(SecretBox::open(folder_ / "missing" / "key", Secret()).error().kind,
              ErrorKind::Internal);
}

TEST_F(SecretBoxTest, AgreesOnOneKeyWhenManyStartAtOnce) {
    constexpr int kMany = 16;
    std::vector<std::string> sealed(kMany);
    {
        std::latch start(kMany);
        std::vector<std::jthread> threads;
        for (std::string& one : sealed) {
            threads.emplace_back([&] {
                start.arrive_and_wait();
                one = open()->seal(Secret("sk-1234"));
            });
        }
    }
    const auto box = open();
    for (const std::string& one : sealed) EXPECT_EQ(unsealed(*box, one), "sk-1234");
    std::set<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
        left.insert(entry.path().filename());
    EXPECT_EQ(left, std::set<std::string>{"key"});
}

}  // namespace
}  // namespace titans::store
