/* SPDX-License-Identifier: MIT */
#pragma once

/* lwIP includes it for messages that this kernel leaves out. */
