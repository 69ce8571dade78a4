#pragma once

#include <drogon/utils/coroutine.h>

namespace titans {

/// A coroutine that runs when it is awaited and resumes its awaiter where it ends.
template <typename T = void>
using Task = drogon::Task<T>;

/// A coroutine that nobody awaits: starts at once, on the loop that calls it.
using DetachedTask = drogon::AsyncTask;

}  // namespace titans
