// SPDX-License-Identifier: Apache-2.0
/** Labs for tests: brought up, asked, judged, and removed whatever happens. */
package io.sluice.multinode.harness;
