// SPDX-License-Identifier: MIT
#pragma once

#include "page_pool.hpp"

/// Takes a few runs of pages and gives them back, with every call checked. What is wrong is printed, and ends the
/// kernel: called once at boot, before anything is built on these pages.
void check_pages(PagePool& pages);
