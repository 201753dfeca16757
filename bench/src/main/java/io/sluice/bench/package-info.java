// SPDX-License-Identifier: Apache-2.0
/** Every figure that the project claims, measured in one run with what it is compared to. */
package io.sluice.bench;
