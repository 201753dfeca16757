// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.lab.Lab;
import picocli.CommandLine.Command;

/** {@code sluice lab down}. */
@Command(
    name = "down",
    description = {
      "Remove every trace of the lab: processes, namespaces, mounts, cgroups and files.",
      "Also of one that was half built, or whose builder crashed. Again: nothing to do.",
      ""
    })
final class LabDownCommand extends LabCommand.Base {
  @Override
  int run() {
    try (Lab lab = lab()) {
      lab.down();
      say("down");
    }
    return 0;
  }
}
