// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.agent.Main;
import io.sluice.agent.cli.Terminal.Said;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineTest {
  @TempDir private Path folder;

  private static String unusedAddress() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return "127.0.0.1:" + socket.getLocalPort();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "|sluice: which command?; see 'sluice --help'",
        "agent|sluice: Missing required option: '--config=FILE'; see 'sluice agent --help'",
        "dump|sluice: Missing required parameter: 'TABLE'; see 'sluice dump --help'",
        "dump shoes|sluice: there is no table shoes; want one of conntrack, nat, affinity, maglev, routes, ifstate,"
            + " qos, counters, policy, ipsets",
        "dump nat -o xml|sluice: Invalid value for option '--output'",
        "uninstall --config a --bpffs b|sluice: Error: --config=FILE and",
        "stauts|sluice: Unmatched argument at index 0: 'stauts'",
      })
  void wrongUsageIsOneLineAndTwo(String args, String line) {
    Said said = Terminal.run(args == null ? new String[0] : args.split(" "));
    assertThat(said.code()).isEqualTo(2);
    assertThat(said.err()).startsWith(line).hasLineCount(1);
    assertThat(said.out()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"agent", "status", "svc", "dump", "explain", "check", "uninstall"})
  void everyCommandExplainsItself(String command) {
    Said said = Terminal.run(command, "--help");
    assertThat(said.code()).isZero();
    assertThat(said.out()).contains("Usage: sluice " + command);
  }

  @Test
  void helpShowsWhereToBegin() {
    assertThat(Terminal.run("--help").out()).contains("sluice lab demo", "sluice check");
    assertThat(Terminal.run("generate-completion").out()).contains("_complete_sluice");
    assertThat(Terminal.run("--version").out()).startsWith("sluice ");
  }

  @Test
  void aConfigurationThatIsNotValidIsToldLineByLine() throws IOException {
    Path file = folder.resolve("agent.conf");
    Files.writeString(file, "sluice {\n  source.path = /x\n  bpfLogLevl = Off\n}\n");
    Said said = Terminal.run("agent", "--config", file.toString());
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err()).contains("agent.conf:3", "bpfLogLevel").hasLineCount(1);
    assertThat(Terminal.run("agent", "--config", folder.resolve("none").toString()).err())
        .contains("there is no such file")
        .hasLineCount(1);
  }

  @Test
  void withoutAnAgentStatusSaysHowToStartOne() throws IOException {
    Said said = Terminal.run("status", "--address", unusedAddress());
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err()).contains("start it with 'sluice agent").hasLineCount(1);
  }

  @Test
  void whatIsNoAddressIsSaid() {
    Said said = Terminal.run("status", "--address", "not an address");
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err()).contains("want HOST:PORT").hasLineCount(1);
  }

  @Test
  void withoutAnAgentDumpReadsTheMapsAndSaysIfThereAreNone() throws IOException {
    Said said =
        Terminal.run("dump", "nat", "--address", unusedAddress(), "--bpffs", folder.toString());
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err()).contains("reading the maps pinned below", folder.toString());
    assertThat(said.err()).contains("no bpffs is mounted there").hasLineCount(2);
  }

  @Test
  void theWholeCommandLineIsOne() {
    assertThat(Main.commandLine().getSubcommands())
        .containsKeys("agent", "status", "svc", "dump", "explain", "check", "uninstall", "help");
  }

  @ParameterizedTest
  @CsvSource({"0,0.0s", "9.94,9.9s", "12.4,12s", "185,3m5s", "7620,2h7m"})
  void durationsAreShort(double seconds, String text) {
    assertThat(DumpCommand.duration(seconds)).isEqualTo(text);
  }
}
