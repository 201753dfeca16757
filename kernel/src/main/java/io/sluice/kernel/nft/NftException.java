// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.nft;

/** A ruleset that nftables refused; nothing of it is in force. */
public final class NftException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what was asked, and nftables' own words with the place in the ruleset
   */
  NftException(String message) {
    super(message);
  }
}
