#include "store/store_fixture_for_test.h"

#include "execution/executor.h"
#include "foundation/temporary_folder_for_test.h"
#include "store/sqlite/sqlite_character_store.h"

namespace titans::store {

namespace {

class SqliteFixture final : public StoreFixture {
public:
    SqliteFixture() { open(); }
    CharacterStore& store() override { return *store_; }
    void reopen() override {
        store_.reset();
        open();
    }

private:
    void open() {
        store_ =
            SqliteCharacterStore::open(folder_ / "titans.db", folder_ / "vectors.db", executor_)
                .value();
    }

    TemporaryFolder folder_;
    Executor executor_{{.name = "store", .threads = 2}};
    std::unique_ptr<SqliteCharacterStore> store_;
};

}  // namespace

StoreUnderTest store_under_test() {
    return {"Sqlite",
            []() -> std::unique_ptr<StoreFixture> { return std::make_unique<SqliteFixture>(); }};
}

}  // namespace titans::store
