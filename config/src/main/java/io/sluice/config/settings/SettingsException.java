// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import io.sluice.config.model.Problem;
import java.util.List;
import java.util.stream.Collectors;

/** The agent's own settings are not valid: it must not start with them. */
public final class SettingsException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<Problem> problems;

  SettingsException(List<Problem> problems) {
    super(problems.stream().map(Problem::toString).collect(Collectors.joining("\n")));
    this.problems = List.copyOf(problems);
  }

  /** What is wrong, a line each; {@link #getMessage()} has them all. */
  public List<Problem> problems() {
    return problems;
  }
}
