// argv → subcommand → exit code. Called by main.
#pragma once

namespace paramedic::cli {

int parse_and_run(int argc, char** argv);

}  // namespace paramedic::cli
