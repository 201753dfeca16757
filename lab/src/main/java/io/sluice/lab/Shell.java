// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Runs the system's own commands. */
final class Shell {
  /**
   * What a command did.
   *
   * @param code its exit code
   * @param output stdout and stderr as they came
   */
  record Result(int code, String output) {
    boolean ok() {
      return code == 0;
    }
  }

  private Shell() {}

  /** Runs a command to its end. */
  static Result attempt(List<String> command, String input) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      try (var stdin = process.getOutputStream()) {
        stdin.write(input.getBytes(StandardCharsets.UTF_8));
      } catch (IOException e) {
        // It ended without reading all of its input: its exit code and output say why.
      }
      String output =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      return new Result(process.waitFor(), output);
    } catch (IOException e) {
      throw new LabException("cannot run " + command.get(0) + ": " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("interrupted while " + command.get(0) + " ran", e);
    }
  }

  static Result attempt(String... command) {
    return attempt(List.of(command), "");
  }

  /**
   * Runs a command that must succeed, and returns its output.
   *
   * @throws LabException with the command and what it said
   */
  static String run(List<String> command, String input) {
    Result result = attempt(command, input);
    if (!result.ok()) {
      String said = result.output().lines().limit(5).collect(Collectors.joining("; "));
      throw new LabException(
          String.join(" ", command) + ": exit code " + result.code() + ": " + said);
    }
    return result.output();
  }

  static String run(String... command) {
    return run(List.of(command), "");
  }

  /** Several {@code ip} commands in one process, within a namespace, or in this one if null. */
  static void ipBatch(String namespace, List<String> lines) {
    if (lines.isEmpty()) {
      return;
    }
    String input = String.join("\n", lines) + "\n";
    List<String> command =
        namespace == null
            ? List.of("ip", "-batch", "-")
            : List.of("ip", "-n", namespace, "-batch", "-");
    Result result = attempt(command, input);
    if (!result.ok()) {
      // ip names the line that failed by its number.
      var number = Pattern.compile("failed -:(\\d+)").matcher(result.output());
      String line = number.find() ? lines.get(Integer.parseInt(number.group(1)) - 1) : "";
      throw new LabException(
          "ip "
              + (namespace == null ? "" : "-n " + namespace + " ")
              + line
              + ": "
              + result.output().lines().findFirst().orElse("failed"));
    }
  }

  /** The lines of a file, or none if it has gone. */
  static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
