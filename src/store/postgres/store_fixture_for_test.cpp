#include "store/store_fixture_for_test.h"

#include <utility>

#include "execution/executor.h"
#include "store/postgres/postgres_character_store.h"
#include "store/postgres/server_for_test.h"

namespace titans::store {

namespace {

class PostgresFixture final : public StoreFixture {
public:
    explicit PostgresFixture(PostgresCharacterStore::Options options)
        : options_(std::move(options)) {
        open();
    }
    CharacterStore& store() override { return *store_; }
    void reopen() override {
        store_.reset();
        open();
    }

private:
    void open() { store_ = PostgresCharacterStore::open(options_, executor_).value(); }

    const PostgresCharacterStore::Options options_;
    Executor executor_{{.name = "store", .threads = 2}};
    std::unique_ptr<PostgresCharacterStore> store_;
};

std::unique_ptr<StoreFixture> make() {
    const auto server = postgres::ServerForTest::shared();
    if (!server && server.error().kind == ErrorKind::Unsupported) return nullptr;
    return std::make_unique<PostgresFixture>(server.value()->make_database());
}

}  // namespace

StoreUnderTest store_under_test() { return {"Postgres", make}; }

}  // namespace titans::store
