// SPDX-License-Identifier: MIT
#pragma once

#include "page_pool.hpp"

/// Allocates a few runs of pages and frees them, with every call checked. Any finding is printed, and ends the kernel.
/// Called once at boot, before anything uses these pages.
void check_pages(PagePool& pages);
