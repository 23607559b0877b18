// A replay as text for people and as JSON for programs (docs/replay.md).
#pragma once
#include <string>

#include "app/replay/replay.h"

namespace paramedic::cli {

struct ReplayNames {
  std::string new_file, old_file;  // old: empty = the ledger
  std::string new_hash;
  std::size_t most = 20;  // single differences that are printed; 0 = all
};
std::string replay_text(const replay::ReplayResult& result, const ReplayNames& names);
std::string replay_json(const replay::ReplayResult& result, const ReplayNames& names);

}  // namespace paramedic::cli
