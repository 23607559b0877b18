// paramedic-agent: the small program of every host.
#include <cstdio>
#include <cstring>
#include <string>

#include "app/agent/agent_program.h"

namespace {

constexpr char kHelp[] =
    "Usage: paramedic-agent --config FILE\n"
    "\n"
    "Starts, measures and restarts the workers that FILE names, and reports them to the monitor.\n"
    "\n"
    "  --config FILE  configuration (YAML)\n"
    "  --version      print the version\n"
    "  --help         print this\n"
    "\n"
    "SIGTERM and SIGINT end it cleanly (on_exit: stop ends the workers, leave lets them run); a second one hurries.\n";

int usage(const char* why) {
  std::fprintf(stderr, "paramedic-agent: %s\n\n%s", why, kHelp);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::string config_file;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--help" || word == "-h") {
      std::fputs(kHelp, stdout);
      return 0;
    }
    if (word == "--version") {
      std::puts("paramedic-agent " PARAMEDIC_VERSION);
      return 0;
    }
    if (word == "--config" && i + 1 < argc)
      config_file = argv[++i];
    else if (word.starts_with("--config="))
      config_file = word.substr(std::strlen("--config="));
    else
      return usage(("unknown argument " + word).c_str());
  }
  if (config_file.empty()) return usage("--config FILE is missing");
  return paramedic::agent::run_agent_file(config_file, PARAMEDIC_VERSION);
}
