// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

/**
 * The queueing discipline at the root of an interface.
 *
 * @param ifindex of the interface
 * @param handle 0: the kernel's default, which nobody has put there
 * @param kind such as "noqueue" or "tbf"
 * @param rate of a token bucket filter, bytes a second; else 0
 * @param limit likewise, bytes that may wait
 */
public record RootQdisc(int ifindex, int handle, String kind, long rate, long limit) {
  /** The kind of a token bucket filter. */
  public static final String TBF = "tbf";
}
