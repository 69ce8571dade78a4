#pragma once

#include "api/request_gate.h"

namespace titans::api {

/// Puts a RequestGate before every connection of Drogon's application, between the socket and
/// Drogon's own parser. Call it before the application runs.
void guard_connections(GateRules rules);

}  // namespace titans::api
