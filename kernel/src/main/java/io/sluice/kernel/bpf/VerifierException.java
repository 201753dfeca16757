// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import java.util.List;

/** The verifier refused a program. The message ends in the lines that tell why. */
public final class VerifierException extends KernelException {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN = 4;

  private final String what;
  private final String log;

  /**
   * @param what what was loaded
   * @param errno the positive error number
   * @param log the verifier's whole log; may be empty
   */
  public VerifierException(String what, int errno, String log) {
    super(what, errno, Errno.describe(errno) + "; the verifier says: " + summary(log));
    this.what = what;
    this.log = log;
  }

  /** What was loaded. */
  public String what() {
    return what;
  }

  /** The verifier's whole log. */
  public String log() {
    return log;
  }

  /** The last lines that say something, on one line: the rest is the verifier's way there. */
  private static String summary(String log) {
    List<String> lines =
        log.lines()
            .map(String::strip)
            .filter(line -> !line.isEmpty())
            .filter(line -> !line.startsWith("processed "))
            .filter(line -> !line.startsWith("verification time "))
            .filter(line -> !line.startsWith("stack depth "))
            .toList();
    if (lines.isEmpty()) {
      return "nothing";
    }
    return String.join(" | ", lines.subList(Math.max(0, lines.size() - SHOWN), lines.size()));
  }
}
