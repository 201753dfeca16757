// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.tls;

import java.nio.file.Path;

/** What is wrong with a certificate or a key; the message is one line that names the file. */
public final class TlsException extends RuntimeException {
  private static final long serialVersionUID = 1;

  TlsException(Path file, String reason) {
    super(file + ": " + reason);
  }

  TlsException(Path file, String reason, Throwable cause) {
    super(file + ": " + reason, cause);
  }
}
