// Precompiled for the test programs of modules without network I/O.
#pragma once
#include "pch_std.h"

#include <gtest/gtest.h>
