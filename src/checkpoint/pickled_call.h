#pragma once

#include "checkpoint/pickle.h"

namespace titans::checkpoint {

/// What calling `callable` with `arguments` gives in a pickle whose `values` are these: a value of
/// the few kinds that PickleValue has, or a PickledOpaque. Nothing is called.
PickleValue pickled_call(const std::vector<PickleValue>& values, PickleRef callable,
                         PickleRef arguments);

/// What the persistent id `id` stands for: a PickledStorage, or a PickledOpaque.
PickleValue pickled_storage(const std::vector<PickleValue>& values, PickleRef id);

}  // namespace titans::checkpoint
