// SPDX-License-Identifier: MIT
#pragma once

#include "page_pool.hpp"

#include <stdint.h>

/// A web server on port 80, and UDP's echo on port 7. `net/host` is the client.
namespace server {

void start(PagePool& pages);
/// Whether somebody asked for `/quit`, and both sides have closed each connection since.
[[nodiscard]] bool is_done();
void release(PagePool& pages);

}  // namespace server
