#include "app/cli/parse.h"

int main(int argc, char** argv) { return paramedic::cli::parse_and_run(argc, argv); }
