// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import picocli.CommandLine.Option;

/** {@code --help}. A mix-in. */
final class HelpOption {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;
}
