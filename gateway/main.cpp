#include "gateway/cli/run.h"

#include <exception>
#include <iostream>

int main(int argc, char** argv)
{
    try {
        return gantry::cli::run(argc, argv);
    } catch (const std::exception& fault) {
        std::cerr << "gantry: " << fault.what() << "\n";
        return 1;
    }
}
