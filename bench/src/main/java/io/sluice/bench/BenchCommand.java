// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import io.sluice.bench.cluster.ClusterCommand;
import io.sluice.bench.policy.PolicyCommand;
import io.sluice.bench.program.ProgramCommand;
import io.sluice.bench.traffic.TrafficCommand;
import io.sluice.config.cli.SluiceCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice bench}: the group of benchmarks. */
@Command(
    name = "bench",
    description = "Measure, with the floor and the peers in the same run.",
    synopsisSubcommandLabel = "BENCHMARK",
    subcommands = {
      ProgramCommand.class,
      ClusterCommand.class,
      PolicyCommand.class,
      TrafficCommand.class
    })
public final class BenchCommand implements SluiceCommand {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "which benchmark?");
  }
}
